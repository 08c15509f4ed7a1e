import { assert } from '../core/index.ts';
import { SLOTS } from '../plan/index.ts';
import { BlockWriter, type RoutedBlock } from './block-writer.ts';

/**
 * One block writer per consumer. Kernels are synchronous, so one partitioner per thread is enough
 * and its scratch is used again by every call.
 */
export class Partitioner {
  #writers: BlockWriter[] = [];
  #consumers = 0;
  #blocks: RoutedBlock[] = [];

  /** Starts over for `consumers` consumers; whatever a call that threw left behind is dropped. */
  begin(consumers: number, slots: Uint16Array): void {
    assert(slots.length === SLOTS, 'a slot table has an entry per slot');
    for (const owner of slots) assert(owner < consumers, 'a slot table names existing consumers');
    for (let i = this.#writers.length; i < consumers; i++) this.#writers.push(new BlockWriter());
    this.#writers.length = consumers;
    for (const writer of this.#writers) writer.reset();
    this.#consumers = consumers;
    this.#blocks = [];
  }

  /** The writer for a tuple of `bytes` payload bytes going to `consumer`. */
  writer(consumer: number, bytes: number): BlockWriter {
    const writer = this.#writers[consumer];
    if (writer.isFullFor(bytes)) this.#blocks.push(writer.finish(consumer));
    return writer;
  }

  /** Every block: those of one consumer in order. */
  finish(): RoutedBlock[] {
    for (let i = 0; i < this.#consumers; i++) {
      if (this.#writers[i].count > 0) this.#blocks.push(this.#writers[i].finish(i));
    }
    const blocks = this.#blocks;
    this.#blocks = [];
    return blocks;
  }
}

/** The partitioner of this thread. */
export const partitioner = new Partitioner();
