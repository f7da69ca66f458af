import type { Capabilities } from '../backend.ts';

/** What a lowering needs to know about the backend that will run the model. */
export type Target = Pick<Capabilities, 'operator' | 'opset' | 'readsHalf' | 'readChannels'> & {
  /** Whether the network is loaded with products in float16. */
  readonly half?: boolean;
};

/** A target with a kernel for everything. */
export const ANY_TARGET: Target = { operator: () => true, opset: 24 };
