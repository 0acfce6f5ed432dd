export { type CartPolePhysics, type CartPoleState, cartPole } from './cartPole.ts';
