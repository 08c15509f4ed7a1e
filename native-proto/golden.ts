/**
 * The golden files: bytes in hexadecimal beside what they say in JSON.
 */
import { encodeRecord, type WalRecord } from '../src/kernels/index.ts';
import { type Block, encodeBlock } from '../src/plan/index.ts';
import { encodeMessage, type Message } from '../src/wire/index.ts';
import { fannedBlock, plainBlock } from './fixed-blocks.ts';
import { fixedMessages, refusedPayloads } from './fixed-messages.ts';

/** File name and text of every golden file. */
export function goldenFiles(): Map<string, string> {
  const files = new Map<string, string>();
  for (const [name, message] of fixedMessages) {
    add(files, `messages/${name}`, Buffer.concat(encodeMessage(message)), asJson(message));
  }
  for (const [name, payload, why] of refusedPayloads) {
    add(files, `refused/${name}`, Buffer.from(payload, 'hex'), { why });
  }
  for (const [name, block] of fixedBlocks)
    add(files, `blocks/${name}`, encodeBlock(block), { tuples: tuplesOf(block) });
  add(files, 'records/batch', Buffer.concat(encodeRecord(fixedRecord)), recordAsJson(fixedRecord));
  return files;
}

const fixedBlocks: ReadonlyArray<readonly [string, Block]> = [
  ['plain', plainBlock],
  ['fanned', fannedBlock],
];
const fixedRecord: WalRecord = {
  kind: 'batch',
  inputs: [{ producer: 3, seq: 300 }],
  outputs: [
    { consumer: 0, firstSeq: 1, count: 2, block: encodeBlock(plainBlock) },
    { consumer: 1, firstSeq: 70_000, count: 2, block: encodeBlock(fannedBlock) },
  ],
  dead: [],
  keep: [],
};

function tuplesOf(block: Block): unknown[] {
  return Array.from({ length: block.count }, (_, i) => ({
    hi: block.idHi[i],
    lo: block.idLo[i],
    fan: block.fan === null ? '' : piece(block.fan.bytes, block.fan.ends, i),
    key: piece(block.keys, block.keyEnds, i),
    value: piece(block.values, block.valueEnds, i),
  }));
}

function piece(bytes: Uint8Array, ends: Uint32Array, i: number): string {
  return hex(bytes.subarray(i === 0 ? 0 : ends[i - 1], ends[i]));
}

function recordAsJson({ kind, inputs, outputs }: WalRecord): unknown {
  return {
    kind,
    inputs: inputs.map(({ producer, seq }) => [producer, seq]),
    outputs: outputs.map(({ consumer, firstSeq, count, block }) => ({
      consumer,
      firstSeq,
      count,
      block: hex(block),
    })),
  };
}

/** Bytes become `{ "bytes": hex }`; everything else is JSON already. */
function asJson(message: Message): unknown {
  const { kind, ...fields } = oneByteString(message);
  const plain = JSON.stringify(fields, function (key: string, value: unknown) {
    // a Buffer has been turned into its JSON form before it gets here
    const original: unknown = this[key];
    return original instanceof Uint8Array ? { bytes: hex(original) } : value;
  });
  return { kind, fields: Object.entries(JSON.parse(plain)) };
}

/** Data in pieces is one byte string when it travels. */
function oneByteString(message: Message): Message | (object & { readonly kind: string }) {
  if (!('data' in message) || !Array.isArray(message.data)) return message;
  return Object.assign({ ...message }, { data: Buffer.concat(message.data) });
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function add(files: Map<string, string>, name: string, bytes: Uint8Array, says: unknown): void {
  const lines = hex(bytes).match(/.{1,64}/g) ?? [];
  files.set(`${name}.hex`, `${lines.join('\n')}\n`);
  files.set(`${name}.json`, `${JSON.stringify(says, null, 1)}\n`);
}
