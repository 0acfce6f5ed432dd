export * as init from './init.ts';
export * from './module.ts';
