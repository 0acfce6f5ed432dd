export {
  type ActionSpec,
  drawPhysics,
  type Environment,
  type EnvironmentSpec,
  type Family,
  familyOf,
  type Outcome,
  type Physics,
  type PhysicsParameter,
  physicsChoices,
  physicsCode,
  physicsNumbers,
  physicsOf,
} from './environment.ts';
export * from './environments/index.ts';
export {
  checkActions,
  type HostEnvironment,
  type HostOutcome,
  type HostPhysics,
  type HostReset,
  physicsRows,
} from './host.ts';
