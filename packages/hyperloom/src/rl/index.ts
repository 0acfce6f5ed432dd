export { advantages, type Horizon } from './advantages.ts';
export {
  type ActorCriticOptions,
  type Agent,
  type AgentInput,
  type AgentOutput,
  actorCritic,
  agentExample,
  type Known,
  type Last,
  type Part,
  type PartModule,
  type Seen,
  type Source,
  type World,
} from './agent.ts';
export {
  type Cloned,
  type Cloning,
  type CloningOptions,
  cloning,
} from './cloning.ts';
export { type Demonstrations, type DemonstrationsOptions, demonstrations, type Expert } from './demonstrations.ts';
export { type Distribution, distributionOf } from './distribution.ts';
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
  physicsCodeOf,
  physicsNumbers,
  physicsOf,
} from './environment.ts';
export * from './environments/index.ts';
export { type EvolutionOptions, evolution, type Fitness } from './evolution.ts';
export {
  checkActions,
  type HostEnvironment,
  type HostOutcome,
  type HostPhysics,
  type HostReset,
  physicsRows,
} from './host.ts';
export { type HostPpoOptions, type HostReturnsOptions, hostPpo, hostReturns } from './hostPpo.ts';
export {
  type FitnessOptions,
  fitness,
  type Life,
  type LifeOptions,
  life,
  type ReturnsOptions,
  returns,
} from './life.ts';
export { concatenated, type GeneratedOptions, generated } from './parts.ts';
export type { PlayingOptions } from './playing.ts';
export { type Policy, type PolicyInput, policyOf } from './policy.ts';
export { type PpoOptions, ppo } from './ppo.ts';
export { type Learned, type PpoUpdateOptions, ppoUpdate } from './ppoUpdate.ts';
export { type ReinforceOptions, reinforce } from './reinforce.ts';
export {
  type Copy,
  type Path,
  type Player,
  type RolloutOptions,
  replay,
  rollout,
  type Score,
  startCopy,
} from './rollout.ts';
export { type Solution, type SolutionOptions, solution } from './solution.ts';
