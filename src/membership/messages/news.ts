import { defineBody } from './definition.ts';

/**
 * Nothing but what every packet carries: claims that cannot wait for the next ping.
 *
 * ```cddl
 * news = [8]
 * ```
 */
export const news = defineBody(8, 'news', {});

export interface News {
  readonly kind: 'news';
}
