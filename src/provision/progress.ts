/** How far one host is. */
export interface Progress {
  readonly host: string;
  /** what is being done, in a few words */
  readonly step: string;
  /** bytes copied and to be copied, while something is copied */
  readonly bytes?: { readonly done: number; readonly total: number };
  /** nothing more comes from this host */
  readonly final?: boolean;
}
