/** Piscina's worker loop; the packager resolves the name. */
declare module '#piscina-worker';
