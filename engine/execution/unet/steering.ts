import type { Network } from '../../graph/network.ts';
import { float32, floats, type Tensor } from '../../graph/tensor.ts';
import { CONTROL_SAMPLE, CONTROL_SCALES, controlFactors, hintName } from '../../networks/controlnet.ts';
import { referenceNames } from '../../networks/ip-adapter.ts';
import { regionNames } from '../../networks/region-prompts.ts';
import { featureName } from '../../networks/t2i-adapter.ts';
import type { RegionPlan } from '../../regions/plan.ts';
import { toRows } from '../../regions/rows.ts';
import { batchOf, type Condition, type Guide } from '../condition.ts';

/** A map that steers a U-Net, as planes [1, C, h, w] of its level. */
interface SteeringMap {
  planes: Tensor & { type: 'float32' };
  level: number;
}

/** Whether an input is one of those that steer. */
export function isSteering(name: string): boolean {
  return (
    name === CONTROL_SCALES || name === CONTROL_SAMPLE || /^(?:hint|feature|reference|region)\.\d+/.test(name)
  );
}

/** A network's inputs that steer, in planar form, for a sample [C, height, width]. */
export function steeredPlanes(
  network: Network,
  condition: Condition,
  timestep: number,
  sample: Float32Array,
  size: readonly number[],
): Record<string, Tensor> {
  const [height = 1, width = 1] = size;
  const maps = mapsOf(network, condition, timestep, { height, width });
  const planes = [...maps].map(([name, map]) => [name, map.planes as Tensor] as const);
  const inputs = { ...Object.fromEntries(planes), ...tokensOf(network, condition) };
  const scales = scalesOf(network, condition, timestep);
  const own = network.inputs.get(CONTROL_SAMPLE);
  if (own?.kind === 'map') {
    const length = own.channels * height * width;
    const batch = batchOf(condition);
    const data = repeated(sample.subarray(0, length), batch);
    inputs[CONTROL_SAMPLE] = float32(data, [batch, own.channels, height, width]);
  }
  return scales ? { ...inputs, [CONTROL_SCALES]: scales } : inputs;
}

/** The same in rows form, at a plan's active rows, for a sample [rows, C]. */
export function steeredRows(
  network: Network,
  condition: Condition,
  timestep: number,
  sample: Float32Array,
  plan: RegionPlan,
): Record<string, Tensor> {
  const inputs = tokensOf(network, condition);
  for (const [name, { planes, level }] of mapsOf(network, condition, timestep, plan.levels[0]!))
    inputs[name] = rowsOf(planes, plan, level);
  const scales = scalesOf(network, condition, timestep);
  if (scales) inputs[CONTROL_SCALES] = float32(scales.data, [scales.dims[0]!, 1, scales.dims[1]!]);
  const own = network.inputs.get(CONTROL_SAMPLE);
  if (own?.kind === 'map') {
    const batch = batchOf(condition);
    const rows = plan.levels[0]!.active.length;
    const all = sample.length / rows;
    const taken = new Float32Array(rows * own.channels);
    for (let row = 0; row < rows; row++)
      taken.set(sample.subarray(row * all, row * all + own.channels), row * own.channels);
    inputs[CONTROL_SAMPLE] = float32(repeated(taken, batch), [batch, rows, own.channels]);
  }
  return inputs;
}

/** Rows of maps by the plan that they are for: the maps are the same at every step. */
const knownRows = new WeakMap<Tensor, WeakMap<RegionPlan, Tensor>>();

function rowsOf(planes: Tensor & { type: 'float32' }, plan: RegionPlan, level: number): Tensor {
  const known = knownRows.get(planes) ?? new WeakMap<RegionPlan, Tensor>();
  knownRows.set(planes, known);
  const remembered = known.get(plan);
  if (remembered) return remembered;
  const [batch = 1, channels = 1] = planes.dims;
  const at = plan.levels[level]!.active;
  const rows = float32(toRows(planes.data, batch, channels, at), [batch, at.length, channels]);
  known.set(plan, rows);
  return rows;
}

/** The maps that a network takes at a timestep; those that nothing provides have no effect. */
function mapsOf(
  network: Network,
  { controls, references, shares }: Condition,
  timestep: number,
  size: { height: number; width: number },
): Map<string, SteeringMap> {
  const maps = new Map<string, SteeringMap>();
  const filled = (channels: number, level: number, value: number) => {
    const dims = [1, channels, Math.ceil(size.height / 2 ** level), Math.ceil(size.width / 2 ** level)];
    return float32(new Float32Array(dims.reduce((a, b) => a * b, 1)).fill(value), dims);
  };
  const zero = (channels: number, level: number) => filled(channels, level, 0);
  for (const [name, value] of network.inputs) {
    if (value.kind !== 'map') continue;
    const { channels, level } = value;
    const hint = /^hint\.(\d+)$/.exec(name)?.[1];
    if (hint !== undefined) {
      const planes = controls?.hints[Number(hint)]?.maps[0] as SteeringMap['planes'] | undefined;
      maps.set(hintName(Number(hint)), { planes: planes ?? zero(channels, level), level });
    }
    const [, group, at] = /^reference\.(\d+)\.mask\.(\d+)$/.exec(name) ?? [];
    if (group !== undefined) {
      const planes = references?.[Number(group)]?.masks?.[Number(at)] as SteeringMap['planes'] | undefined;
      maps.set(name, { planes: planes ?? zero(channels, level), level });
    }
    const [, region, of] = /^region\.(\d+)\.share\.(\d+)$/.exec(name) ?? [];
    if (region !== undefined) {
      // Without regions the whole image sees the prompt.
      const planes = shares?.[Number(region)]?.[Number(of)] as SteeringMap['planes'] | undefined;
      maps.set(name, { planes: planes ?? filled(channels, level, region === '0' ? 1 : 0), level });
    }
    const feature = /^feature\.(\d+)$/.exec(name)?.[1];
    if (feature === undefined) continue;
    const planes = summed(controls?.features ?? [], Number(feature), timestep) ?? zero(channels, level);
    maps.set(featureName(Number(feature)), { planes, level });
  }
  return maps;
}

/** Tokens that stand for no picture, by the batch and the network that takes them. */
const noTokens = new WeakMap<Network, Map<number, Tensor>>();

/** The texts of regions, and the tokens of the pictures that are attended to, as keys and as values. */
function tokensOf(network: Network, condition: Condition): Record<string, Tensor> {
  const inputs: Record<string, Tensor> = {};
  for (let region = 1; network.inputs.has(regionNames(region).text); region++)
    inputs[regionNames(region).text] = condition.regions?.[region - 1] ?? condition.text;
  const batch = batchOf(condition);
  for (let group = 0; ; group++) {
    const names = referenceNames(group);
    const value = network.inputs.get(names.keys);
    if (value?.kind !== 'tokens') return inputs;
    const given = condition.references?.[group];
    const none = noTokens.get(network) ?? new Map<number, Tensor>();
    noTokens.set(network, none);
    if (!none.has(batch))
      none.set(batch, float32(new Float32Array(batch * value.channels), [batch, 1, value.channels]));
    inputs[names.keys] = given?.keys ?? none.get(batch)!;
    inputs[names.values] = given?.values ?? none.get(batch)!;
  }
}

/** Sums of features, by the first guide of them, their number, and which guides act. */
const knownSums = new WeakMap<Guide, Map<string, SteeringMap['planes']>>();

function summed(
  guides: readonly Guide[],
  index: number,
  timestep: number,
): SteeringMap['planes'] | undefined {
  const acting = guides.filter((guide) => isActing(guide, timestep) && guide.maps[index]);
  const [first] = acting;
  if (!first) return undefined;
  const known = knownSums.get(first) ?? new Map<string, SteeringMap['planes']>();
  knownSums.set(first, known);
  const key = `${index} ${acting.map((guide) => guides.indexOf(guide)).join()}`;
  const remembered = known.get(key);
  if (remembered) return remembered;
  const { dims } = first.maps[index]!;
  const data = new Float32Array(dims.reduce((a, b) => a * b, 1));
  for (const { maps, strength } of acting) {
    const map = floats({ map: maps[index]! }, 'map');
    for (let i = 0; i < data.length; i++) data[i]! += strength * map[i]!;
  }
  const sum = float32(data, dims);
  known.set(key, sum);
  return sum;
}

/** What the residuals of all ControlNets are multiplied by: [B, residuals]. None where a network has no ControlNet. */
function scalesOf(
  network: Network,
  condition: Condition,
  timestep: number,
): (Tensor & { type: 'float32' }) | undefined {
  const input = network.inputs.get(CONTROL_SCALES);
  if (input?.kind !== 'vector') return undefined;
  const batch = batchOf(condition);
  const controls = [...network.inputs.keys()].filter((name) => name.startsWith('hint.')).length;
  const count = input.channels / controls;
  const scales = new Float32Array(batch * input.channels);
  for (const [k, guide] of (condition.controls?.hints ?? []).entries()) {
    if (!isActing(guide, timestep)) continue;
    const factors = controlFactors(count, guide.guess === true);
    for (let b = 0; b < batch; b++)
      for (const [i, factor] of factors.entries())
        if (!guide.guess || b === 0) scales[b * input.channels + k * count + i] = guide.strength * factor;
  }
  return float32(scales, [batch, input.channels]);
}

function isActing({ from, to }: Guide, timestep: number): boolean {
  return timestep <= from && timestep >= to;
}

function repeated(values: Float32Array, times: number): Float32Array {
  const all = new Float32Array(values.length * times);
  for (let i = 0; i < times; i++) all.set(values, i * values.length);
  return all;
}
