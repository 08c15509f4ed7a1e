/** What may stand in a hosts file: the keys of an entry, and those that give defaults for all. */
import { isIP } from 'node:net';
import { z } from 'zod';

/** Most hosts of one file. */
export const HOSTS_MAX = 256;

const port = z.number().int().min(1).max(65_535).describe('a port from 1 to 65535');
const path = z
  .string()
  .regex(/^[^\p{Cc}]{1,1024}$/u)
  .describe('a path');
const user = z
  .string()
  .regex(/^[^\s\p{Cc}:/-][^\s\p{Cc}:/]{0,63}$/u)
  .describe('the name of a user');
const hostName = z
  .string()
  .refine((text) => isIP(text) !== 0 || /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,252}$/.test(text))
  .describe('the name or the IP address of a machine');
const address = z
  .string()
  .regex(/^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_][A-Za-z0-9_.-]*):\d{1,5}$/)
  .describe('host:port');
const dir = z
  .string()
  .refine((text) => /^[^\p{Cc}]{1,512}$/u.test(text) && isOwnDirectory(text))
  .describe('a directory of its own, such as ~/.rainstorm-node');

/** Keys that an entry has and that may stand beside `hosts` for all of them. */
const shared = {
  user: user.optional(),
  port: port.optional(),
  identity: path.optional(),
  nodePort: port.optional(),
  dir: dir.optional(),
};

export const hostSchema = z.strictObject({
  host: hostName,
  name: z
    .string()
    .regex(/^[^\s\p{Cc}]{1,64}$/u)
    .describe('a name without spaces')
    .optional(),
  ...shared,
  fingerprint: z
    .string()
    .regex(/^SHA256:[A-Za-z0-9+/]{43}=?$/)
    .describe('the SHA256:... that `ssh-keygen -lf` prints for its host key')
    .optional(),
  bind: z
    .string()
    .refine((text) => isIP(text) !== 0)
    .describe('an IP address of that machine')
    .optional(),
  advertise: address.optional(),
});

export const hostsFileSchema = z.strictObject({
  ...shared,
  keyFile: path.optional(),
  hosts: z.array(z.unknown()).min(1).max(HOSTS_MAX).describe(`a list of 1 to ${HOSTS_MAX} hosts`),
});

export type HostEntry = z.infer<typeof hostSchema>;
export type HostsFile = z.infer<typeof hostsFileSchema>;

/** Not the root, not a home directory and not above either: `down --clean` empties it. */
function isOwnDirectory(text: string): boolean {
  const parts = text.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..') || parts.length === 0) return false;
  if (parts[0].startsWith('~')) return parts[0] === '~' && parts.length > 1;
  return true;
}
