import type { Network } from '../../graph/network.ts';
import type {
  Attention,
  AxisRotation,
  Convolution,
  Dealing,
  KernelAttention,
  Operator,
  PixelShuffle,
  PixelUnshuffle,
} from '../../graph/operators.ts';
import type { Features, Value } from '../../graph/values.ts';
import { centreName, type DeviceStorage, scaleName, spreadName } from '../../regions/features.ts';
import {
  type AttentionFeature,
  type JointFeature,
  type RowsFeature,
  rowsName,
  sumsName,
  tokenFeaturesOf,
  type WindowFeature,
} from '../../regions/token-features.ts';
import type { Weights } from '../../weights/weight-table.ts';
import {
  childrenName,
  dealtName,
  EXTENT,
  FORMER,
  FRESH_RANGES,
  formerRowsName,
  HALO,
  haloRowsName,
  INSIDE,
  othersName,
  PLACES,
  parentsName,
  RECTANGLE,
  SIGNS,
} from '../forms/tokens.ts';
import {
  type Angles,
  attention,
  axisAngles,
  axisRotation,
  kernelAttention,
  keyValueSums,
} from './attention.ts';
import {
  channelSlice,
  planesOfRows,
  rowCount,
  rowsOfPlanes,
  shuffledRows,
  sinePositions,
  splitRows,
  unshuffledRows,
} from './channels.ts';
import { dealtAttention, listedAttention } from './dealing.ts';
import { Emitter } from './emitter.ts';
import { type GatedUnit, gatedPlanes, gatedUnits } from './gated-units.ts';
import { nibblesOf, type Ranges, rowsOfNibbles } from './nibbles.ts';
import type { ElementType, OnnxModel, Ref } from './onnx/onnx.ts';
import { recordedRows, restoredRows } from './recorded-rows.ts';
import type { Target } from './target.ts';

/**
 * A transformer whose maps are rows [B, N, C], one for each position that is computed, in the order of y, then x.
 *
 * With `part` it computes any subset of the positions, all of them included, from a record. Inputs beside the network's
 * own, where a feature's names are those of `regions/token-features.ts`:
 * `sums.*` [B, heads, d, d + 1]: the recorded sums; `former.rows.*` [B, n, C]: the rows that are taken off them, and
 * `signs` [1, N + n, 1]: 1 for each computed row, then −1 for each of these;
 * `halo.rows.*` [B, halo, C]: recorded rows around the part; `rectangle` int32 [(h + 2) · (w + 2)]: where each position
 * of the part's rectangle and of the rim around it is found among the computed rows, the halo rows and a row of zeros;
 * `inside` int32 [N]: where the computed rows are in the rectangle;
 * `keys.*`, `values.*` [B, n, C]: of attention over text and image, the recorded rows of all positions that are not
 * computed.
 * With `storage` these rows stay on the device, whole [B, all, C], with their scales if they are bytes, under the
 * features' names; which of them a pass reads is named by `former`, `halo` and `others.*` int32 [n]. As nibbles they also
 * have `*.centre` and `*.spread` [2, 1, C], and `ranges.fresh` [1] is 1 where the pass finds these itself.
 * `dealt.*` int32: for attention within parts, see `transformer/dealt-rows.ts`.
 * Without `part` it computes everything, which takes less memory. In both: `extent` int64 [2], height and width of the
 * rectangle (with its rim) or of the whole map; `places` [N, 4]: time, y, x and 0 of each row of the image;
 * `children.*` and `parents.*` int32: where the rows of a coarser level are found among the finest ones, and the
 * reverse.
 *
 * Outputs: the network's own; with `part` each feature of this pass with `new.` before its name.
 */
export function lowerTokens(network: Network, weights: Weights, form: TokensForm, target: Target): OnnxModel {
  return new TokenLowering(network, weights, form, target).model(network);
}

interface TokensForm {
  part: boolean;
  storage?: DeviceStorage;
}

/** Under which name rows are recorded. */
type RecordedAs = Pick<RowsFeature, 'name' | 'channels'>;

class TokenLowering {
  readonly #emit: Emitter;
  readonly #part: boolean;
  readonly #storage: DeviceStorage | undefined;
  readonly #refs = new Map<number, Ref>();
  /** Values between an anchor and the operator that reads beyond the part, followed by the recorded rows. */
  readonly #wide = new Map<number, Ref>();
  readonly #inputs = new Map<string, Ref>();
  readonly #attentions: ReadonlyMap<Operator, AttentionFeature>;
  readonly #attended: ReadonlyMap<Operator, JointFeature>;
  /** The number of text's tokens where text and image are one sequence. */
  #textCount: Ref | undefined;
  #angles: Angles | undefined;
  /** The number of rows of the first of two levels in one map: [1]. */
  readonly #counts = new Map<number, Ref>();
  /** The feature to which an operator's wide values belong. */
  readonly #chains = new Map<Operator, AttentionFeature | WindowFeature>();
  readonly #units: ReadonlyMap<Operator, GatedUnit>;

  constructor(network: Network, weights: Weights, { part, storage }: TokensForm, target: Target) {
    this.#emit = new Emitter(weights, target);
    this.#part = part;
    this.#storage = storage;
    this.#units = gatedUnits(network);
    const { attentions, windows, attended } = tokenFeaturesOf(network);
    this.#attended = new Map(attended.map((feature) => [feature.operator, feature]));
    this.#attentions = new Map(attentions.map((feature) => [feature.operator, feature]));
    if (part)
      for (const feature of [...attentions, ...windows])
        for (const operator of feature.chain) this.#chains.set(operator, feature);
  }

  model(network: Network): OnnxModel {
    const { onnx } = this.#emit;
    for (const [name, value] of network.inputs) this.#refs.set(value.id, this.#networkInput(name, value));
    for (const operator of network.operators) this.#lower(operator);
    for (const [name, value] of network.outputs) {
      if (value.kind !== 'map') throw new Error(`${name} is not a map`);
      onnx.output(name, this.#get(value), 'float32', ['batch', 'rows', value.channels]);
    }
    return onnx.encode(network.name);
  }

  #networkInput(name: string, value: Value): Ref {
    switch (value.kind) {
      case 'map':
        return this.#input(name, 'float32', ['batch', 'rows', value.channels]);
      case 'tokens':
        return this.#input(name, 'float32', ['batch', 'length', value.channels]);
      case 'vector':
        return this.#input(name, 'float32', [`${name}_batch`, value.channels]);
      case 'ids':
        return this.#input(name, 'int64', ['batch', 'length']);
    }
  }

  #lower(operator: Operator): void {
    const unit = this.#units.get(operator);
    if (unit) {
      if (operator === unit.product) this.#refs.set(operator.output.id, this.#gatedUnit(unit));
      return;
    }
    const chain = this.#chains.get(operator);
    if (chain && 'input' in operator) {
      if (operator.input.id === chain.anchor.id) this.#widen(chain);
      this.#wide.set(operator.output.id, this.#rowByRow(operator, this.#wide.get(operator.input.id)!));
      return;
    }
    this.#refs.set(operator.output.id, this.#compute(operator));
  }

  #compute(operator: Operator): Ref {
    const emit = this.#emit;
    switch (operator.type) {
      case 'kernel-attention':
        return this.#kernelAttention(operator);
      case 'convolution':
        return this.#convolution(operator);
      case 'attention':
        return this.#attention(operator);
      case 'axis-rotation':
        return this.#axisRotation(operator);
      case 'image-join': {
        const [text, image] = [this.#get(operator.text), this.#get(operator.image)];
        this.#textCount ??= rowCount(emit, text);
        return emit.concat([text, image], 1);
      }
      case 'image-split': {
        const part = operator.output.kind === 'tokens' ? 'first' : 'rest';
        return splitRows(emit, this.#get(operator.input), this.#textCount!, part);
      }
      case 'pixel-unshuffle':
      case 'pixel-shuffle':
        return this.#shuffled(operator);
      case 'level-join': {
        const [fine, coarse] = operator.inputs.map((value) => this.#get(value));
        this.#counts.set(operator.output.level, rowCount(emit, fine!));
        return emit.concat([fine!, coarse!], 1);
      }
      case 'level-split': {
        const { input, output } = operator;
        const part = output.level === input.level ? 'first' : 'rest';
        return splitRows(emit, this.#get(input), this.#counts.get(input.level)!, part);
      }
      case 'sine-positions':
        return sinePositions(emit, this.#input(PLACES, 'float32', ['rows', 4]), operator);
      case 'modulation': {
        const [x, scale, shift] = [operator.input, operator.scale, operator.shift].map((v) => this.#get(v));
        return emit.modulation(x!, scale!, shift!);
      }
      case 'sum':
      case 'product': {
        const [a, b] = operator.inputs;
        const isVector = b.kind === 'vector' && a.kind !== 'vector';
        const other = isVector ? emit.everyRow(this.#get(b)) : this.#get(b);
        return operator.type === 'sum' ? emit.sum(this.#get(a), other) : emit.multiply(this.#get(a), other);
      }
      case 'concat':
        return emit.concat(
          operator.inputs.map((value) => this.#get(value)),
          -1,
        );
      case 'learned':
        return emit.weight(operator.weight, [1, operator.output.channels]);
      default:
        if (!('input' in operator)) throw new Error(`${operator.type} has no form of tokens`);
        return this.#rowByRow(operator, this.#get(operator.input));
    }
  }

  #rowByRow(operator: Operator, x: Ref): Ref {
    const emit = this.#emit;
    switch (operator.type) {
      case 'linear':
        return emit.linear(x, operator.weight, operator.bias, operator.norm);
      case 'layer-norm':
        return emit.layerNorm(x, operator);
      case 'rms-norm':
        return emit.rmsNorm(x, operator, -1);
      case 'activation':
        return emit.activation(x, operator.function);
      case 'affine':
        return emit.affine(x, operator.scale, operator.offset);
      case 'channel-slice':
        return channelSlice(emit, x, operator, -1);
      case 'sinusoid':
        return emit.sinusoid(x, operator);
      default:
        throw new Error(`${operator.type} has no form of tokens`);
    }
  }

  /** Puts the recorded rows that a feature needs behind the computed ones, and gives the latter to later passes. */
  #widen(feature: AttentionFeature | WindowFeature): void {
    const { anchor } = feature;
    if (this.#wide.has(anchor.id)) return;
    const x = this.#get(anchor);
    const rows = { name: rowsName(feature), channels: anchor.channels };
    this.#give(rows, x);
    const isAttention = feature.operator.type === 'kernel-attention';
    const from = isAttention ? formerRowsName(rows.name) : haloRowsName(rows.name);
    const recorded = this.#recorded(rows, from, isAttention ? FORMER : HALO);
    this.#wide.set(anchor.id, this.#emit.concat([x, recorded], 1));
  }

  /** Gives rows of this pass to later ones. */
  #give(as: RecordedAs, x: Ref): void {
    const { onnx } = this.#emit;
    const { name, channels } = as;
    const storage = this.#storage ?? 'float32';
    if (storage === 'nibbles') {
      this.#giveNibbles(as, x);
      return;
    }
    const { rows, scale } = recordedRows(onnx, x, storage);
    onnx.output(`new.${name}`, rows, storage, ['batch', 'rows', channels]);
    if (scale) onnx.output(`new.${scaleName(name)}`, scale, 'float32', ['batch', 'rows', 1]);
  }

  #giveNibbles(as: RecordedAs, x: Ref): void {
    const { onnx } = this.#emit;
    const { name, channels } = as;
    const given = this.#ranges(as);
    const fresh = this.#input(FRESH_RANGES, 'float32', [1]);
    const { rows, scale, centre, spread } = nibblesOf(onnx, x, given, fresh);
    onnx.output(`new.${name}`, rows, 'uint8', [1, 'rows', channels]);
    onnx.output(`new.${scaleName(name)}`, scale, 'float32', [2, 'rows', 1]);
    onnx.output(`new.${centreName(name)}`, centre, 'float32', [2, 1, channels]);
    onnx.output(`new.${spreadName(name)}`, spread, 'float32', [2, 1, channels]);
  }

  /** What recorded nibbles are relative to. */
  #ranges({ name, channels }: RecordedAs): Ranges {
    const [centre, spread] = [centreName(name), spreadName(name)].map((of) =>
      this.#input(of, 'float32', [2, 1, channels]),
    );
    return { centre: centre!, spread: spread! };
  }

  /** The recorded rows that a feature needs: an input of their own, or those that an index names of all. */
  #recorded(rows: RecordedAs, as: string, index: string): Ref {
    const { onnx } = this.#emit;
    const { name, channels } = rows;
    const storage = this.#storage;
    if (!storage) return this.#input(as, 'float32', ['batch', as, channels]);
    const wanted = this.#input(index, 'int32', [index]);
    const taken = (of: string, type: ElementType, width: number, batch: string | number = 'batch') => {
      const all = this.#input(of, type, [batch, `all.${name}`, width]);
      return onnx.node('Gather', [all, wanted], { attributes: { axis: 1 } });
    };
    if (storage === 'nibbles') {
      const held = { rows: taken(name, 'uint8', channels, 1), scale: taken(scaleName(name), 'float32', 1) };
      return rowsOfNibbles(onnx, held, this.#ranges(rows));
    }
    const scale = storage === 'uint8' && taken(scaleName(name), 'float32', 1);
    return restoredRows(onnx, { rows: taken(name, storage, channels), ...(scale && { scale }) }, storage);
  }

  /** Between the finest level and a coarser one. */
  #shuffled(operator: PixelShuffle | PixelUnshuffle): Ref {
    const x = this.#get(operator.input);
    const level = Math.max(operator.input.level, operator.output.level);
    const isDown = operator.type === 'pixel-unshuffle';
    const name = isDown ? childrenName(level) : parentsName(level);
    const index = this.#input(name, 'int32', [name]);
    return isDown
      ? unshuffledRows(this.#emit, x, operator, index)
      : shuffledRows(this.#emit, x, operator, index);
  }

  /** In attention over text and image, a part also reads the recorded keys and values of the other positions. */
  #attention(operator: Attention): Ref {
    const emit = this.#emit;
    const [query, key, value] = [operator.query, operator.key, operator.value].map((v) => this.#get(v));
    const mask = operator.mask && this.#get(operator.mask);
    const feature = this.#part ? this.#attended.get(operator) : undefined;
    if (!feature)
      return operator.dealing
        ? dealtAttention(emit, [query!, key!, value!], operator, this.#textCount!)
        : attention(emit, query!, key!, value!, operator, mask);
    const withRecorded = (fresh: Ref, rows: RowsFeature): Ref => {
      this.#give(rows, splitRows(emit, fresh, this.#textCount!, 'rest'));
      return emit.concat([fresh, this.#recorded(rows, rows.name, othersName(rows))], 1);
    };
    const [keys, values] = [withRecorded(key!, feature.keys), withRecorded(value!, feature.values)];
    return operator.dealing
      ? this.#listedAttention([query!, keys, values], operator, operator.dealing, feature.keys)
      : attention(emit, query!, keys, values, operator, mask);
  }

  #listedAttention(
    triple: readonly [Ref, Ref, Ref],
    operator: Attention,
    dealing: Dealing,
    { level, levels }: RowsFeature,
  ): Ref {
    const rows = (what: string) => {
      const name = dealtName({ level, levels, ...dealing }, what);
      return this.#input(name, 'int32', [name]);
    };
    const parts = Array.from({ length: dealing.parts }, (_, part) => ({
      queries: rows(`queries.${part}`),
      keys: rows(`keys.${part}`),
    }));
    return listedAttention(this.#emit, triple, operator, parts, rows('order'));
  }

  #axisRotation(operator: AxisRotation): Ref {
    const emit = this.#emit;
    const places = this.#input(PLACES, 'float32', ['rows', 4]);
    this.#angles ??= axisAngles(emit, places, this.#textCount!, operator);
    return axisRotation(emit, this.#get(operator.input), this.#angles, operator);
  }

  #kernelAttention(operator: KernelAttention): Ref {
    const emit = this.#emit;
    const { query, key, value, heads, output, path } = operator;
    const q = this.#get(query);
    if (!this.#part) return kernelAttention(emit, q, this.#get(key), this.#get(value), operator);
    const { onnx } = emit;
    const name = sumsName(this.#attentions.get(operator)!);
    const size = output.channels / heads;
    const dims = ['batch', heads, size, size + 1];
    const recorded = this.#input(name, 'float32', dims);
    const signs = this.#input(SIGNS, 'float32', [1, 'signed', 1]);
    const [k, v] = [key, value].map(({ id }) => this.#wide.get(id));
    if (!k || !v) throw new Error(`${path} reads no recorded rows`);
    const sums = onnx.node('Add', [recorded, keyValueSums(emit, k, v, operator, signs)]);
    onnx.output(`new.${name}`, sums, 'float32', dims);
    return kernelAttention(emit, q, k, v, operator, sums);
  }

  #gatedUnit(unit: GatedUnit): Ref {
    const emit = this.#emit;
    const { linear, activation, product } = unit;
    const chain = this.#chains.get(activation);
    if (chain) this.#widen(chain);
    const x = chain ? this.#wide.get(linear.input.id)! : this.#get(linear.input);
    const planesOf = (rows: Ref, channels: number) => this.#planes(rows, channels);
    return this.#active(gatedPlanes(emit, unit, x, planesOf, this.#rim), product.output.channels);
  }

  /** Depthwise, over a rectangle of planes. */
  #convolution(operator: Convolution): Ref {
    const emit = this.#emit;
    const { onnx } = emit;
    const { input, output, weight, bias, kernel, groups } = operator;
    const x = this.#part ? this.#wide.get(input.id) : this.#get(input);
    if (x === undefined) throw new Error('a convolution reads no recorded rows');
    const rim = this.#rim;
    const attributes = { kernel_shape: [kernel, kernel], group: groups, pads: [rim, rim, rim, rim] };
    const planes = [this.#planes(x, input.channels), emit.weight(weight), ...emit.offsets(bias, undefined)];
    const y = onnx.node('Conv', planes, { attributes }, 'convolution');
    return this.#active(y, output.channels);
  }

  /** Zeros around the planes that a convolution reads. A part's rectangle has a rim of its own. */
  get #rim(): number {
    return this.#part ? 0 : 1;
  }

  /** The planes that a convolution reads: of all rows, or the part's rectangle of wide ones. */
  #planes(rows: Ref, channels: number): Ref {
    const extent = this.#input(EXTENT, 'int64', [2]);
    return planesOfRows(this.#emit, this.#part ? this.#rectangle(rows) : rows, channels, extent);
  }

  /** The computed rows of a convolution's planes. */
  #active(planes: Ref, channels: number): Ref {
    const rows = rowsOfPlanes(this.#emit, planes, channels);
    if (!this.#part) return rows;
    const inside = this.#input(INSIDE, 'int32', ['rows']);
    return this.#emit.onnx.node('Gather', [rows, inside], { attributes: { axis: 1 } }, 'window');
  }

  /** The part's rectangle with a rim of one position: of wide rows, which are computed and recorded ones, and zeros. */
  #rectangle(wide: Ref): Ref {
    const { onnx } = this.#emit;
    const padded = onnx.node('Pad', [wide, onnx.ints([0, 0, 0, 0, 1, 0])], {}, 'window');
    const index = this.#input(RECTANGLE, 'int32', [RECTANGLE]);
    return onnx.node('Gather', [padded, index], { attributes: { axis: 1 } }, 'window');
  }

  /** A graph input, which several operators may read. */
  #input(name: string, type: ElementType, dims: readonly (number | string)[]): Ref {
    if (!this.#inputs.has(name)) this.#inputs.set(name, this.#emit.onnx.input(name, type, dims));
    return this.#inputs.get(name)!;
  }

  #get(value: Features | Value): Ref {
    const ref = this.#refs.get(value.id);
    if (ref === undefined) throw new Error(`value ${value.id} is read before it is computed`);
    return ref;
  }
}
