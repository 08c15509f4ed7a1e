/** What a node serves to the clients of other nodes (see `messages.ts`). */
import { type RpcMethods, streaming, unary } from '../../transport/index.ts';
import { toWireFault } from '../../wire/index.ts';
import type { PointListing } from '../replication/index.ts';
import { unpackAppends } from './append-frames.ts';
import { packEntries } from './entry-items.ts';
import { bulkItems } from './gather.ts';
import { LocalAccess, type LocalAccessOptions } from './local-access.ts';
import {
  appendSchema,
  askedSchema,
  createSchema,
  FILES,
  fromSchema,
  ITEM_BYTES,
  ITEM_ROWS,
  listingSchema,
  openSchema,
  partSchema,
  rangeSchema,
  trimSchema,
} from './messages.ts';
import { Uploads } from './uploads.ts';

/** The files of `options.files` for clients of other nodes. */
export function fileMethods(options: LocalAccessOptions): RpcMethods {
  const access = new LocalAccess(options);
  const uploads = new Uploads();
  return {
    [FILES.create]: unary(createSchema, ({ token, ...file }) => access.create(file, token)),
    [FILES.stat]: unary(askedSchema, (file) => access.stat(file)),
    [FILES.remove]: unary(askedSchema, async (file) => {
      await access.remove(file);
      return null;
    }),
    [FILES.trim]: unary(trimSchema, async ({ beforeOffset, ...file }) => {
      await access.trim(file, beforeOffset);
      return null;
    }),
    [FILES.merge]: unary(askedSchema, (file) => access.merge(file)),
    [FILES.open]: unary(openSchema, (opening) => access.open(opening)),
    [FILES.append]: unary(appendSchema, async (params, _signal, data) => {
      const { writers, rows, upload, ...file } = params;
      const bytes = upload === undefined ? data : uploads.take(upload);
      const appended = await access.append(file, unpackAppends({ writers, rows }, bytes));
      const refused = appended.refused.map(({ at, reason }) => ({
        at,
        fault: toWireFault(reason),
      }));
      return { ...appended, refused };
    }),
    [FILES.part]: unary(partSchema, async ({ upload, at }, _signal, data) => {
      uploads.put(upload, at, data);
      return null;
    }),
    [FILES.read]: streaming(rangeSchema, ({ from, to, ...file }, signal) =>
      bulkItems(access.read(file, { from, to }, signal)),
    ),
    [FILES.tail]: streaming(fromSchema, ({ from, ...file }, signal) =>
      bulkItems(access.tail(file, from, signal), true),
    ),
    [FILES.copy]: streaming(rangeSchema, ({ name, ...range }, signal) =>
      bulkItems(access.copy(name, { ...range, signal })),
    ),
    [FILES.entries]: streaming(fromSchema, ({ from, ...file }, signal) =>
      packEntries(access.entries(file, from, signal)),
    ),
    [FILES.listing]: streaming(listingSchema, async function* ({ prefix }) {
      yield* listingPages(await access.listing(prefix));
    }),
  };
}

function* listingPages({ points, names }: PointListing): Generator<unknown> {
  yield { points: points.map(({ point, version }) => [point, version]), names: [] };
  let page: string[] = [];
  let bytes = 0;
  for (const name of names) {
    page.push(name);
    bytes += Buffer.byteLength(name);
    if (bytes < ITEM_BYTES && page.length < ITEM_ROWS) continue;
    yield { points: [], names: page };
    page = [];
    bytes = 0;
  }
  if (page.length > 0) yield { points: [], names: page };
}
