import { tls } from './helpers/harness.ts';
import { rpcSuite } from './rpc-suite.ts';
import { transportSuite } from './suite.ts';

transportSuite(tls);
rpcSuite(tls);
