/**
 * Texts that travel inside the packaged executable (worker threads, Python shim, operators).
 * The packager replaces this module; in development it is null and files are read from the tree.
 */
export const embedded: Readonly<Record<string, string>> | null = null;
