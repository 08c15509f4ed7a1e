/**
 * Entry of a pool thread inside the packaged executable: Piscina's own worker loop and our tasks in
 * one bundle. Piscina asks for its task file by name; that one name is answered with our table.
 * The table carries `__esModule`, without which the worker loop would copy it and lose its getters.
 */
import Module from 'node:module';
import '#piscina-worker';
import * as tasks from './pool-worker.ts';

type Load = (this: unknown, request: string, ...rest: unknown[]) => unknown;

const load = Reflect.get(Module, '_load') as Load;
const table = Object.assign(Object.defineProperty({}, '__esModule', { value: true }), tasks);
const loadOrAnswer: Load = function (request, ...rest) {
  return request === '/embedded/tasks' ? table : load.call(this, request, ...rest);
};
Reflect.set(Module, '_load', loadOrAnswer);
