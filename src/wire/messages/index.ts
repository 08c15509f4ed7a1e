/**
 * All messages. Numbers below 8 belong to connections, 8-19 to requests, 20-39 to channels, 40-49 to
 * tasks and 50-69 to the control log.
 */

import type { MessageOf } from '../definition.ts';
import type { Ack } from './ack.ts';
import { cancel } from './cancel.ts';
import { channelOpen } from './channel-open.ts';
import { channelReady } from './channel-ready.ts';
import { channelRefused } from './channel-refused.ts';
import { channelTaken } from './channel-taken.ts';
import { credit } from './credit.ts';
import type { Data } from './data.ts';
import { end } from './end.ts';
import { endAck } from './end-ack.ts';
import { failure } from './failure.ts';
import { fenced } from './fenced.ts';
import { goodbye } from './goodbye.ts';
import { hello } from './hello.ts';
import { item } from './item.ts';
import { itemData } from './item-data.ts';
import { logAppend } from './log-append.ts';
import { logAppendReply } from './log-append-reply.ts';
import { logPropose } from './log-propose.ts';
import { logProposeReply } from './log-propose-reply.ts';
import { logSnapshot } from './log-snapshot.ts';
import { logSnapshotAck } from './log-snapshot-ack.ts';
import { ping } from './ping.ts';
import { pong } from './pong.ts';
import { readIndex } from './read-index.ts';
import { readIndexReply } from './read-index-reply.ts';
import { request } from './request.ts';
import { requestData } from './request-data.ts';
import { response } from './response.ts';
import { responseData } from './response-data.ts';
import { taskReport } from './task-report.ts';
import { taskRoutes } from './task-routes.ts';
import { taskStart } from './task-start.ts';
import { taskStop } from './task-stop.ts';
import { timeoutNow } from './timeout-now.ts';
import { vote } from './vote.ts';
import { voteRequest } from './vote-request.ts';
import { welcome } from './welcome.ts';

/** Messages read and written through their schema; `data` and `ack` have code of their own. */
export const definitions = [
  hello,
  welcome,
  goodbye,
  ping,
  pong,
  request,
  response,
  failure,
  item,
  cancel,
  credit,
  requestData,
  responseData,
  itemData,
  channelOpen,
  channelReady,
  channelRefused,
  channelTaken,
  end,
  endAck,
  fenced,
  taskStart,
  taskRoutes,
  taskStop,
  taskReport,
  voteRequest,
  vote,
  logAppend,
  logAppendReply,
  logSnapshot,
  logSnapshotAck,
  timeoutNow,
  readIndex,
  readIndexReply,
  logPropose,
  logProposeReply,
] as const;

/** Everything that two nodes say to each other. */
export type Message = Data | Ack | MessageOf<(typeof definitions)[number]>;

/** A message of one kind. */
export type MessageKind = Message['kind'];
