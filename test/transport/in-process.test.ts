import { inProcess } from './helpers/harness.ts';
import { rpcSuite } from './rpc-suite.ts';
import { transportSuite } from './suite.ts';

transportSuite(inProcess);
rpcSuite(inProcess);
