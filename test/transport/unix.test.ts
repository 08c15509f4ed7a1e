import { unix } from './helpers/harness.ts';
import { rpcSuite } from './rpc-suite.ts';
import { transportSuite } from './suite.ts';

transportSuite(unix);
rpcSuite(unix);
