/**
 * Limits of the wire. Each is checked before memory is spent on what it limits.
 */
import { assert } from '../core/index.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

/**
 * Payload of a frame that carries a block. A block may be one tuple whose key and value are each a
 * line of 16 MiB; were it refused here, it would have been logged and could never be delivered.
 */
export const DATA_FRAME_BYTES_MAX = 2 * 16 * MIB + 64 * KIB;
/** Payload of every other frame, bulk data not counted. Larger answers are streamed in items. */
export const CONTROL_FRAME_BYTES_MAX = 1 * MIB;
/** Payload of a frame of a peer that has not been accepted yet. */
export const HANDSHAKE_FRAME_BYTES_MAX = 4 * KIB;
/** Bytes of a data frame that are not its block, at most. */
export const DATA_OVERHEAD_BYTES_MAX = 64;
/** Bulk data that every frame has room for, however long its other fields are. */
export const BULK_BYTES_MAX = DATA_FRAME_BYTES_MAX - CONTROL_FRAME_BYTES_MAX;
/** The largest block that a data frame can carry. */
export const DATA_BLOCK_BYTES_MAX = DATA_FRAME_BYTES_MAX - DATA_OVERHEAD_BYTES_MAX;
/** Nested arrays and maps, the message itself counted as one. */
export const DEPTH_MAX = 16;
/** CBOR data items in one frame, keys counted. */
export const ITEMS_MAX = 65_536;

/** The protocol versions that this program speaks, both ends included. */
export const PROTOCOL_VERSIONS: readonly [number, number] = [1, 1];

assert(HANDSHAKE_FRAME_BYTES_MAX < CONTROL_FRAME_BYTES_MAX, 'a stranger gets less than a peer');
assert(CONTROL_FRAME_BYTES_MAX < DATA_FRAME_BYTES_MAX, 'blocks are the largest payload');
