/**
 * The messages behind the golden frames: at least one of each kind, with the edges that other
 * readers get wrong (integers at each width, text beyond ASCII, empty bytes, null).
 */
import { encodeBlock } from '../src/plan/index.ts';
import type { Message } from '../src/wire/index.ts';
import { plainBlock } from './fixed-blocks.ts';

const U32_MAX = 0xffff_ffff;
const U53_MAX = Number.MAX_SAFE_INTEGER;
const NODE = '10.0.0.7:7400#00112233445566778899aabbccddeeff';
const JOB = '0b2d1c58-7a6e-4f1e-9a52-6f1f6e3c8a01';
const FAULT = {
  code: 'FENCED',
  message: 'writer count[0] of jobs/1/wal has epoch 3, but epoch 4 has taken over',
  parameters: { writer: 'count[0]', name: 'jobs/1/wal', epoch: 3, newest: 4 },
};
const BLOCK = encodeBlock(plainBlock);

/** File name of the golden frame and what it says. */
export const fixedMessages: ReadonlyArray<readonly [string, Message]> = [
  ['hello', { kind: 'hello', versions: [1, 1], node: NODE, role: 'node', term: 0 }],
  ['hello-client', { kind: 'hello', versions: [1, 3], node: NODE, role: 'client', term: U53_MAX }],
  ['welcome', { kind: 'welcome', version: 1, node: NODE, term: 2 ** 32 }],
  ['goodbye', { kind: 'goodbye', fault: null }],
  ['goodbye-fault', { kind: 'goodbye', fault: FAULT }],
  ['ping', { kind: 'ping', n: 23 }],
  ['pong', { kind: 'pong', n: U32_MAX }],
  [
    'request',
    {
      kind: 'request',
      id: 24,
      method: 'fs.append',
      params: { name: 'täglich/日', at: -1 },
      credit: 0,
    },
  ],
  [
    'request-stream',
    { kind: 'request', id: 255, method: 'fs.get', params: ['a', 1.5], credit: 32 },
  ],
  ['response', { kind: 'response', id: 256, result: { ok: true, size: 2 ** 40, none: null } }],
  ['failure', { kind: 'failure', id: 65_535, fault: FAULT }],
  ['item', { kind: 'item', id: 65_536, value: new Uint8Array([0, 127, 128, 255]) }],
  ['item-empty', { kind: 'item', id: U32_MAX, value: new Uint8Array(0) }],
  [
    'request-data',
    {
      kind: 'request-data',
      id: 256,
      method: 'hydfs.copy',
      params: { name: 'täglich/日', index: 2 ** 40 },
      credit: 0,
      data: [new Uint8Array([0, 127, 128, 255])],
    },
  ],
  [
    'response-data',
    { kind: 'response-data', id: 1, result: null, data: [new Uint8Array(300).fill(7)] },
  ],
  ['item-data', { kind: 'item-data', id: 2 ** 32, value: 24, data: [new Uint8Array([1])] }],
  ['item-data-empty', { kind: 'item-data', id: 2, value: [], data: [new Uint8Array(0)] }],
  ['cancel', { kind: 'cancel', id: 2 ** 32 }],
  ['credit', { kind: 'credit', id: U53_MAX, n: 16 }],
  [
    'channel-open',
    {
      kind: 'channel-open',
      channel: 1,
      job: JOB,
      fromStage: 0,
      fromIndex: 0,
      fromEpoch: 1,
      toStage: 1,
      toIndex: 65_535,
    },
  ],
  [
    'channel-ready',
    { kind: 'channel-ready', channel: 1, toEpoch: 4, watermark: 0, credit: 2 ** 20 },
  ],
  ['channel-taken', { kind: 'channel-taken', channel: 1, toEpoch: 4, seq: 7 }],
  ['channel-refused', { kind: 'channel-refused', channel: 1, reason: 'fenced', newest: 9 }],
  [
    'data',
    { kind: 'data', channel: 1, fromEpoch: 3, toEpoch: 4, firstSeq: 1, count: 2, block: BLOCK },
  ],
  [
    'data-wide',
    {
      kind: 'data',
      channel: U32_MAX,
      fromEpoch: 2 ** 32,
      toEpoch: U53_MAX,
      firstSeq: 2 ** 40,
      count: 70_000,
      block: new Uint8Array(300).fill(7),
    },
  ],
  ['ack', { kind: 'ack', channel: 1, toEpoch: 4, seq: 2, credit: 2 ** 20 }],
  ['ack-none', { kind: 'ack', channel: 0, toEpoch: 1, seq: 0, credit: 0 }],
  ['end', { kind: 'end', channel: 1, fromEpoch: 3, toEpoch: 4, lastSeq: 2 }],
  ['end-ack', { kind: 'end-ack', channel: 1 }],
  ['fenced', { kind: 'fenced', channel: 1, newest: 4 }],
  [
    'task-start',
    {
      kind: 'task-start',
      term: 7,
      job: JOB,
      stage: 1,
      index: 2,
      epoch: 5,
      spec: { name: 'signs', stages: [{ name: 'pick', tasks: 3 }], exactlyOnce: true },
      routes: [
        [0, '10.0.0.7:7400'],
        [1, 'unix:/run/rainstorm.sock'],
      ],
      slots: new Uint8Array([0, 0, 1, 0]),
      slotsVersion: 1,
    },
  ],
  [
    'task-start-last',
    {
      kind: 'task-start',
      term: 7,
      job: JOB,
      stage: 2,
      index: 0,
      epoch: 1,
      spec: null,
      routes: [],
      slots: null,
      slotsVersion: 0,
    },
  ],
  [
    'task-routes',
    { kind: 'task-routes', term: 7, job: JOB, stage: 1, routes: [[3, '[::1]:7400']] },
  ],
  [
    'task-stop',
    { kind: 'task-stop', term: 7, job: JOB, stage: 1, index: 2, epoch: 5, mode: 'end' },
  ],
  [
    'task-report',
    {
      kind: 'task-report',
      job: JOB,
      stage: 1,
      index: 2,
      epoch: 5,
      state: 'running',
      fault: null,
      counts: { in: 2 ** 33, forwarded: 12, filtered: 0 },
      pids: [4321, 4322],
      operator: 'count_by_key.py',
      logFile: '/var/lib/rainstorm/logs/count-2.log',
      rate: 1234.5,
    },
  ],
  [
    'vote-request',
    {
      kind: 'vote-request',
      from: 'v1',
      to: 'v2',
      term: 8,
      pre: true,
      transfer: false,
      lastIndex: 2 ** 32,
      lastTerm: 7,
    },
  ],
  ['vote', { kind: 'vote', from: 'v2', to: 'v1', term: 8, pre: true, granted: true }],
  [
    'log-append',
    {
      kind: 'log-append',
      from: 'v1',
      to: 'v2',
      term: 8,
      prevIndex: 41,
      prevTerm: 7,
      commit: 40,
      round: 9,
      entries: [
        [8, 0, new Uint8Array(0)],
        [8, 1, new Uint8Array([1, 2, 255])],
      ],
    },
  ],
  [
    'log-append-empty',
    {
      kind: 'log-append',
      from: 'v1',
      to: 'v2',
      term: U53_MAX,
      prevIndex: 0,
      prevTerm: 0,
      commit: 0,
      round: 0,
      entries: [],
    },
  ],
  [
    'log-append-reply',
    {
      kind: 'log-append-reply',
      from: 'v2',
      to: 'v1',
      term: 8,
      ok: false,
      index: 41,
      hintIndex: 30,
      hintTerm: 6,
      round: 9,
    },
  ],
  [
    'log-snapshot',
    {
      kind: 'log-snapshot',
      from: 'v1',
      to: 'v3',
      term: 8,
      index: 40,
      lastTerm: 7,
      members: [
        ['v1', '10.0.0.7:7400', true],
        ['v3', '[::1]:7400', false],
      ],
      offset: 65_536,
      size: 65_540,
      data: new Uint8Array([0, 127, 128, 255]),
    },
  ],
  [
    'log-snapshot-ack',
    { kind: 'log-snapshot-ack', from: 'v3', to: 'v1', term: 8, index: 40, offset: 65_536 },
  ],
  ['timeout-now', { kind: 'timeout-now', from: 'v1', to: 'v2', term: 8 }],
  ['read-index', { kind: 'read-index', from: 'v2', to: 'v1', term: 8, id: 2 ** 40 }],
  [
    'read-index-reply',
    { kind: 'read-index-reply', from: 'v1', to: 'v2', term: 8, id: 2 ** 40, index: 42 },
  ],
  [
    'read-index-reply-none',
    { kind: 'read-index-reply', from: 'v1', to: 'v2', term: 8, id: 1, index: null },
  ],
  [
    'log-propose',
    { kind: 'log-propose', from: 'v2', to: 'v1', term: 8, id: 3, data: new Uint8Array([160]) },
  ],
  [
    'log-propose-reply',
    {
      kind: 'log-propose-reply',
      from: 'v1',
      to: 'v2',
      term: 8,
      id: 3,
      index: 43,
      entryTerm: 8,
      why: null,
    },
  ],
  [
    'log-propose-reply-busy',
    {
      kind: 'log-propose-reply',
      from: 'v1',
      to: 'v2',
      term: 8,
      id: 4,
      index: null,
      entryTerm: 0,
      why: 'busy',
    },
  ],
];

/** Payloads that every reader must refuse, and why. */
export const refusedPayloads: ReadonlyArray<readonly [string, string, string]> = [
  ['rest', 'a2000401f500', 'a byte after the end'],
  ['cut-off', 'a200040119', 'an integer without its bytes'],
  ['indefinite', 'bf000401f5ff', 'a map of indefinite length'],
  ['tag', 'a30009010102c101', 'a tag in a value'],
  ['number-last', 'a201050004', 'the message number does not come first'],
  ['number-long', 'a2001804011805', 'the message number is not in its shortest form'],
  ['unknown', 'a20018ff0105', 'there is no such message'],
  ['field-missing', 'a300040105', 'a map that promises more than it has'],
  ['field-extra', 'a3000401050206', 'a field that the message does not have'],
  ['field-type', 'a20004016135', 'text where an integer belongs'],
  ['wide-integer', 'a20004011b0020000000000000', 'an integer above 2^53 - 1'],
  ['deep', `a30009010102${'81'.repeat(20)}f6`, 'nested deeper than 16'],
  ['array', '8200041805', 'not a map'],
  ['data-cut-off', 'a40010010102f6034201', 'data that is shorter than it says'],
  ['data-rest', 'a40010010102f603410100', 'a byte after the data'],
  ['data-text', 'a40010010102f6036161', 'text where the data belongs'],
];
