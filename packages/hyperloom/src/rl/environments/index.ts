export { type AcrobotPhysics, type AcrobotState, acrobot } from './acrobot.ts';
export { type CartPolePhysics, type CartPoleState, cartPole } from './cartPole.ts';
export { type CartPoleSwingUpPhysics, cartPoleSwingUp } from './cartPoleSwingUp.ts';
export { continuousMountainCar } from './continuousMountainCar.ts';
export {
  type GridNavigationOptions,
  type GridNavigationPhysics,
  type GridNavigationState,
  gridNavigation,
} from './gridNavigation.ts';
export { type MountainCarPhysics, type MountainCarState, mountainCar } from './mountainCar.ts';
export { type PendulumPhysics, type PendulumState, pendulum } from './pendulum.ts';
