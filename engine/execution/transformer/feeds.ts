import { float32, floats, type Tensor } from '../../graph/tensor.ts';
import type { Buffers } from '../../regions/buffers.ts';
import { Recorded } from '../../regions/recorded.ts';
import {
  anchoredRows,
  type RowsFeature,
  rowsFeaturesOf,
  sumsName,
  type TokenFeatures,
} from '../../regions/token-features.ts';
import { formerRowsName, haloRowsName, SIGNS } from '../forms/tokens.ts';
import { type Keeping, keepRows, keepSums, readKept, readSums, replaceRows } from './kept-rows.ts';
import type { TokenPlan } from './token-plan.ts';

type Feeds = Record<string, Tensor>;

/** Which features are stored, how, and for how many images. */
export interface TokenStorage extends Keeping {
  features: TokenFeatures;
}

/** Inputs with recorded features. A plan of all positions reads none. */
export function recordedFeeds(
  { features, storage, batch }: TokenStorage,
  plan: TokenPlan,
  recorded: Recorded | undefined,
  buffers: Buffers,
): Feeds {
  const { active, halo, isWhole } = plan;
  const former = isWhole ? NONE : active;
  const feeds: Feeds = {};
  if (features.attentions.length > 0) feeds[SIGNS] = signsOf(active.length, former.length);
  const rows = (feature: RowsFeature, as: string, at: Int32Array) => {
    const { channels } = feature;
    const into = buffers.floats(as, batch * at.length * channels);
    if (at.length > 0) readKept(recordedOf(recorded), feature, at, into, { storage, batch, buffers });
    feeds[as] = float32(into, [batch, at.length, channels]);
  };
  for (const feature of features.attentions) {
    const anchored = anchoredRows(feature);
    rows(anchored, formerRowsName(anchored.name), former);
    const { heads, output } = feature.operator;
    const size = output.channels / heads;
    const sums = isWhole
      ? buffers.floats(`none.${size}`, batch * heads * size * (size + 1))
      : readSums(recordedOf(recorded), feature, { storage, buffers });
    feeds[sumsName(feature)] = float32(sums, [batch, heads, size, size + 1]);
  }
  for (const anchored of features.windows.map(anchoredRows))
    rows(anchored, haloRowsName(anchored.name), isWhole ? NONE : halo);
  for (const { keys, values } of features.attended)
    for (const feature of [keys, values]) rows(feature, feature.name, plan.at(feature).others);
  return feeds;
}

/** 1 for each computed row, then −1 for each that is taken off the sums. */
export function signsOf(computed: number, former: number): Tensor {
  const signs = new Float32Array(computed + former).fill(1).fill(-1, computed);
  return float32(signs, [1, signs.length, 1]);
}

/** Names of the outputs with a pass's features. */
export function featureOutputs(features: TokenFeatures): string[] {
  const rows = rowsFeaturesOf(features).map(({ name }) => name);
  return [...rows, ...features.attentions.map(sumsName)].map((name) => `new.${name}`);
}

/** The features of a pass over everything. */
export function recordedFrom({ features, ...how }: TokenStorage, outputs: Readonly<Feeds>): Recorded {
  const recorded = new Recorded();
  for (const feature of rowsFeaturesOf(features))
    keepRows(recorded, feature, floats(outputs, `new.${feature.name}`), how);
  keepAllSums(recorded, { features, ...how }, outputs);
  return recorded;
}

/** The recorded features with a part's fresh rows and new sums. */
export function updatedBy(
  recorded: Recorded,
  { features, ...how }: TokenStorage,
  plan: TokenPlan,
  outputs: Readonly<Feeds>,
): Recorded {
  const updated = new Recorded(recorded);
  for (const feature of rowsFeaturesOf(features)) {
    const fresh = floats(outputs, `new.${feature.name}`);
    replaceRows(updated, feature, fresh, plan.at(feature).computed, how);
  }
  keepAllSums(updated, { features, ...how }, outputs);
  return updated;
}

function keepAllSums(into: Recorded, { features, ...how }: TokenStorage, outputs: Readonly<Feeds>): void {
  for (const feature of features.attentions)
    keepSums(into, feature, floats(outputs, `new.${sumsName(feature)}`), how);
}

const NONE = new Int32Array();

function recordedOf(recorded: Recorded | undefined): Recorded {
  if (!recorded) throw new Error('a part of the positions needs recorded features');
  return recorded;
}
