/**
 * wire: what nodes say to each other, as bytes. Pure: no sockets, no time.
 *
 *   for (const part of encodeMessage({ kind: 'ping', n: 1 })) socket.write(part);
 *
 *   const parser = new FrameParser();
 *   parser.push(chunk);
 *   for (let bytes = parser.next(); bytes !== null; bytes = parser.next()) {
 *     const message = decodeMessage(bytes);        // a fault WIRE_INVALID ends the connection
 *   }
 *
 * One file per message in `messages/`, each with its grammar; `native-proto/` holds the same for
 * other languages, with frames to test against.
 */
export { decodeCbor, encodeCbor } from './cbor.ts';
export { decodeMessage, encodeMessage } from './codec.ts';
export { fromWireFault, toWireFault } from './faults.ts';
export type { WireFault } from './fields.ts';
export { FrameParser } from './frame-parser.ts';
export {
  BULK_BYTES_MAX,
  CONTROL_FRAME_BYTES_MAX,
  DATA_BLOCK_BYTES_MAX,
  DATA_FRAME_BYTES_MAX,
  DEPTH_MAX,
  HANDSHAKE_FRAME_BYTES_MAX,
  ITEMS_MAX,
  PROTOCOL_VERSIONS,
} from './limits.ts';
export type { Ack } from './messages/ack.ts';
export type { Cancel } from './messages/cancel.ts';
export type { ChannelOpen } from './messages/channel-open.ts';
export type { ChannelReady } from './messages/channel-ready.ts';
export type { ChannelRefused } from './messages/channel-refused.ts';
export type { ChannelTaken } from './messages/channel-taken.ts';
export type { Credit } from './messages/credit.ts';
export type { Data } from './messages/data.ts';
export type { End } from './messages/end.ts';
export type { EndAck } from './messages/end-ack.ts';
export type { Failure } from './messages/failure.ts';
export type { Fenced } from './messages/fenced.ts';
export type { Goodbye } from './messages/goodbye.ts';
export type { Hello } from './messages/hello.ts';
export type { Message, MessageKind } from './messages/index.ts';
export type { Item } from './messages/item.ts';
export type { ItemData } from './messages/item-data.ts';
export type { LogAppend } from './messages/log-append.ts';
export type { LogAppendReply } from './messages/log-append-reply.ts';
export type { LogPropose } from './messages/log-propose.ts';
export type { LogProposeReply } from './messages/log-propose-reply.ts';
export type { LogSnapshot } from './messages/log-snapshot.ts';
export type { LogSnapshotAck } from './messages/log-snapshot-ack.ts';
export type { Ping } from './messages/ping.ts';
export type { Pong } from './messages/pong.ts';
export type { ReadIndex } from './messages/read-index.ts';
export type { ReadIndexReply } from './messages/read-index-reply.ts';
export type { Request } from './messages/request.ts';
export type { RequestData } from './messages/request-data.ts';
export type { Response } from './messages/response.ts';
export type { ResponseData } from './messages/response-data.ts';
export type { TaskReport } from './messages/task-report.ts';
export type { TaskRoutes } from './messages/task-routes.ts';
export type { TaskStart } from './messages/task-start.ts';
export type { TaskStop } from './messages/task-stop.ts';
export type { TimeoutNow } from './messages/timeout-now.ts';
export type { Vote } from './messages/vote.ts';
export type { VoteRequest } from './messages/vote-request.ts';
export type { Welcome } from './messages/welcome.ts';
export { scanCbor } from './scan.ts';
