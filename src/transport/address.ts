import { isIP } from 'node:net';
import { fault } from '../core/index.ts';

/** Where a socket goes. */
export type Target =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

/** Room for a path in the kernel's address structure, its end included. */
const UNIX_PATH_BYTES_MAX = 107;

/**
 * Reads `host:port`, `[ipv6]:port` or `unix:/path`.
 * @throws fault ADDRESS_INVALID
 */
export function parseAddress(address: string): Target {
  if (address.startsWith('unix:')) return unixTarget(address, address.slice('unix:'.length));
  const at = address.lastIndexOf(':');
  const [written, port] = [address.slice(0, at), address.slice(at + 1)];
  const host = /^\[.*:.*\]$/.test(written) ? written.slice(1, -1) : written;
  const reason = problemOf(at, host, port, host !== written);
  if (reason !== null) throw fault('ADDRESS_INVALID', { address, reason });
  return { kind: 'tcp', host, port: Number(port) };
}

/** The text of a host and a port. */
export function formatAddress(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Whether only programs on this machine can reach `target`. Names other than localhost may lie. */
export function isLoopback(target: Target): boolean {
  return target.kind === 'unix' || target.host === 'localhost' || isLoopbackIp(target.host);
}

/** Whether `ip` is an address of the machine itself. */
export function isLoopbackIp(ip: string): boolean {
  const plain = ip.startsWith('::ffff:') ? ip.slice('::ffff:'.length) : ip;
  return (isIP(plain) === 4 && plain.startsWith('127.')) || plain === '::1';
}

function problemOf(at: number, host: string, port: string, bracketed: boolean): string | null {
  if (at < 0) return 'it has no port';
  if (host === '') return 'it has no host';
  if (bracketed && isIP(host) !== 6) return 'what is in brackets is not an IPv6 address';
  if (!bracketed && host.includes(':')) return 'an IPv6 address is written in brackets';
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) return `'${port}' is not a port`;
  return null;
}

function unixTarget(address: string, path: string): Target {
  if (path === '' || path.includes('\0'))
    throw fault('ADDRESS_INVALID', { address, reason: 'it has no path' });
  if (Buffer.byteLength(path) > UNIX_PATH_BYTES_MAX) {
    const reason = `the path is longer than ${UNIX_PATH_BYTES_MAX} bytes`;
    throw fault('ADDRESS_INVALID', { address, reason });
  }
  return { kind: 'unix', path };
}
