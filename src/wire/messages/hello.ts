import { z } from 'zod';
import { defineMessage, type MessageOf } from '../definition.ts';
import { name, u16, u53 } from '../fields.ts';

/**
 * The first message of a connection, from the side that connected.
 *
 * ```cddl
 * hello = {
 *   0: 1,
 *   1: [min: u16, max: u16],  ; versions; both ends included
 *   2: name,                  ; node; "host:port#boot id"
 *   3: "node" / "client",     ; role
 *   4: u53,                   ; term; the highest term heard of
 * }
 * ```
 */
export const hello = defineMessage(1, 'hello', {
  versions: z.tuple([u16, u16]),
  node: name,
  role: z.enum(['node', 'client']),
  term: u53,
});

export type Hello = MessageOf<typeof hello>;
