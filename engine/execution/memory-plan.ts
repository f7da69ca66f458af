import { type FloatPrecision, isFloat, type Precision } from '../../shared/api.ts';
import { isSide, type SizeLimits } from '../../shared/sizes.ts';
import { formatBytes } from '../../shared/units.ts';
import { InputError } from '../errors.ts';
import type { Extent } from '../graph/macs.ts';
import { countParameters, type Network } from '../graph/network.ts';
import { isWeightProduct, type Operator } from '../graph/operators.ts';
import { largestValueBytes, peakValueBytes, scoreBytes } from '../graph/peak-bytes.ts';
import type { AutoencoderFacts, NetworkRole } from '../models/networks.ts';
import { TRANSFORMER } from '../networks/transformer.ts';
import { formsOf, isInBlocks } from '../networks/weight-forms.ts';
import { weightBytes } from '../quantization/size.ts';
import { tokenFeaturesOf } from '../regions/token-features.ts';
import { type Backend, hasByteProducts } from './backend.ts';
import { decoderPrecision } from './decoder-precision.ts';
import { textLength } from './denoiser-inputs.ts';
import { passBytes, rowsScratch, tokenBytes } from './forms/rows-memory.ts';
import { isFolded } from './lowering/planar.ts';
import { TILE } from './tiles.ts';
import { keepsTokens, tokenStorageOf } from './transformer/storage.ts';
import { deviceStorageOf } from './unet/storage.ts';
import { foldsUpsampling } from './unet/unet-forms.ts';

/** Bytes of one weight. */
function bytesOf(precision: FloatPrecision): number {
  return precision === 'fp16' ? 2 : 4;
}

/** The properties of a model that the prediction uses. */
export interface PlannedModel {
  name: string;
  textRoles: readonly NetworkRole[];
  autoencoder: { scale: number; kind?: AutoencoderFacts['kind'] };
  /** Sizes of its images: no other one is suggested. */
  sizes: SizeLimits;
  network(role: NetworkRole): Network;
}

export interface PlannedPicture {
  width: number;
  height: number;
  /** 2 with guidance, 1 without. */
  batch: number;
  precision: Precision;
  /** A whole picture is drawn by the rows form in float32 too; see `Components.rowsAreFaster`. */
  rows?: boolean;
  /** Features are recorded, for an edit or for a later one: all networks stay, the U-Net in rows form. */
  records?: boolean;
  /** Whether an image is encoded too. */
  edit?: boolean;
  device?: PlannedDevice;
  /** The denoiser, in rows form, is in another process on the same device, and stays there. */
  shared?: boolean;
  /** How weights are stored, where that is not all in float32. */
  stored?: StoredForms;
  /** The networks are loaded: weights are not cast again. */
  loaded?: boolean;
}

/** What differs where a network's weights are not all stored in float32. */
export interface StoredForm {
  /** Bytes that weights take less than in float32, because they stay in blocks of their file. */
  savedByBlocks?: number;
  /** Bytes of weights in half precision, which are cast while the network is loaded. */
  halfBytes?: number;
  /** See `Components.isSmall`. */
  isSmall?: boolean;
}

export type StoredForms = Readonly<Partial<Record<NetworkRole, StoredForm>>>;

/** The properties of a device that the prediction uses. */
export interface PlannedDevice {
  /** Attention is composed of products there, whose scores are held. */
  composesAttention?: boolean;
  /** See `Capabilities.largestBuffer`. */
  largestBuffer?: number | undefined;
  /** Bytes are not multiplied there: weights in int8 are in blocks, and rows stay floats. */
  withoutBytes?: boolean;
  /** If it is not the processor: types in which features can be recorded there beside float32; see `storageOf`. */
  storages?: readonly ('float16' | 'uint8')[];
  /** Whether a transformer's features stay there, too. */
  keepsTokens?: boolean;
}

/** @param keepsFeatures see `Components` */
export function plannedDevice(
  { device, can }: Pick<Backend, 'device' | 'can'>,
  keepsFeatures = true,
): PlannedDevice {
  const storages = (['float16', 'uint8'] as const).filter(
    (type) => keepsFeatures && can.elements.includes(type),
  );
  return {
    composesAttention: !can.operator('MultiHeadAttention', 'com.microsoft'),
    largestBuffer: can.largestBuffer,
    withoutBytes: !hasByteProducts(can),
    ...(device !== 'cpu' && { storages, keepsTokens: keepsFeatures && keepsTokens(device) }),
  };
}

/** Peak bytes of generating an image. */
export interface MemoryNeeds {
  /** With every network loaded, so that the next image starts at once. */
  together: number;
  /** With each network loaded for its use and then freed. */
  apart: number;
  /** The same with the image decoded in tiles. */
  tiled: number;
  /** The share of the denoiser in each; if it is in another process, with that process. */
  denoiser: number;
}

export interface PartNeeds {
  weights: number;
  values: number;
  /** Both together with the process, if nothing else runs. */
  total: number;
}

/**
 * Model of memory, fitted to measured peaks (`studies/peaks.ts` compares): bytes of the process and the backend, of the
 * larger graphs of the rows and recording forms, and of the backend's arena for each byte of values.
 */
const PROCESS_BYTES = 170e6;
const ROWS_BYTES = 70e6;
const RECORDING_BYTES = 60e6;
const ARENA = { planar: 2.4, floatRows: 1.8, byteRows: 1.2 } as const;
/** Copies of the features of a recorded pass: the computed outputs, and what the caller gets. */
const RECORDED_COPIES = 2;
/** Share of its bytes that is stored. */
const STORED_SHARE = 0.25;
/** Bytes that are held beside the float32 weights while they are cast, for each byte in half precision. */
const CASTING = 1.5;

/** Predicts the peak from the networks' definitions; no weights are needed. */
export function predictMemory(model: PlannedModel, picture: PlannedPicture): MemoryNeeds {
  const { width, height, batch, precision, edit = false, records = edit, device, shared } = picture;
  const { scale } = model.autoencoder;
  const tokens = textLength(model.network('denoiser'));
  const pixels = { width, height, batch: 1, tokens };
  const latents = {
    width: Math.ceil(width / scale),
    height: Math.ceil(height / scale),
    batch,
    tokens,
  };
  const need = ({ weights, values }: PartNeeds) => Math.round(weights + values);
  const ofDecoder = decoderPrecision(model.autoencoder, precision);
  const decoderOf = (extent: Extent) =>
    need(predictDecoder(model.network('vae-decoder'), extent, ofDecoder, device));
  const encoderOf = (extent: Extent) =>
    edit ? need(predictPart(model.network('vae-encoder'), extent, 'fp32', device)) : 0;
  const texts = model.textRoles.map((role) => {
    const as = textPrecision(precision);
    return need(storedAs(predictPart(model.network(role), latents, as, device), role, as, picture));
  });
  const text = texts.reduce((a, b) => a + b, 0);
  const predicted = predictDenoiser(model.network('denoiser'), latents, { ...picture, records });
  const denoiser = shared ? Math.round(predicted.total) : need(predicted);
  const decoder = decoderOf(pixels);
  const encoder = encoderOf(pixels);
  const together = PROCESS_BYTES + text + denoiser + decoder + encoder;
  const side = TILE * scale;
  const tileExtent = { ...pixels, width: Math.min(width, side), height: Math.min(height, side) };
  const tile = decoderOf(tileExtent);
  // The image itself, as planes and as pixels, is held beside the tile.
  const image = (bytesOf('fp32') + 1) * 3 * width * height;
  if (records) {
    const tiled = PROCESS_BYTES + text + denoiser + tile + encoderOf(tileExtent) + image;
    return { together, apart: together, tiled: edit ? Math.min(together, tiled) : together, denoiser };
  }
  // One after another, here.
  const largest = (...others: number[]) =>
    PROCESS_BYTES + (shared ? denoiser + Math.max(...others) : Math.max(denoiser, ...others));
  const apart = largest(text, decoder);
  return { together, apart, tiled: Math.min(apart, largest(text, tile + image)), denoiser };
}

/** Text encoders compute in float32 where the denoiser computes in float16. */
function textPrecision(precision: Precision): Precision {
  return isFloat(precision) ? 'fp32' : precision;
}

/** Peak of a network in planar form that runs alone. Text encoders may have another precision than float32. */
export function predictPart(
  network: Network,
  extent: Extent,
  precision: Precision = 'fp32',
  device?: PlannedDevice,
): PartNeeds {
  const weights = isFloat(precision)
    ? bytesOf(precision) * countParameters(network) + foldedBytes(network)
    : weightBytes(network, precision, false);
  const values = ARENA.planar * peakValueBytes(network, extent, attentionScratch(extent, device));
  return { weights, values, total: PROCESS_BYTES + weights + values };
}

/** The kernels of folded upsamplings, four of 2×2 for one of 3×3, which are held beside the weights. */
function foldedBytes({ inputs, operators }: Network): number {
  const maps = [...inputs.values()].filter((value) => value.kind === 'map');
  const known = new Set(maps.map(({ level }) => level));
  let bytes = 0;
  for (const operator of operators) {
    const { output } = operator;
    if (output.kind !== 'map') continue;
    // To a level that is known from the way down upsampling is not folded.
    if (operator.type === 'convolution' && isFolded(operator) && !known.has(output.level))
      bytes += (16 / 9) * bytesOf('fp32') * operator.weight.shape.reduce((a, b) => a * b, 1);
    known.add(output.level);
  }
  return bytes;
}

/** Of a decoder some of whose convolutions gather bytes, in int8; see `lowering/byte-windows.ts`. */
function predictDecoder(
  network: Network,
  extent: Extent,
  precision: 'fp32' | 'int8',
  device?: PlannedDevice,
): PartNeeds {
  if (precision === 'fp32') return predictPart(network, extent, precision, device);
  const form = formsOf(network, precision);
  const ofRows = rowsScratch(extent, { precision, foldUpsampling: true });
  const scratch = (operator: Operator) =>
    isWeightProduct(operator) && form(operator) === 'int8' ? ofRows(operator) : 0;
  const weights = weightBytes(network, precision, true);
  const values = ARENA.byteRows * peakValueBytes(network, extent, scratch);
  return { weights, values, total: PROCESS_BYTES + weights + values };
}

/** Scores before and after the softmax. */
function attentionScratch(extent: Extent, device: PlannedDevice | undefined): (operator: Operator) => number {
  return (operator) => (device?.composesAttention ? 2 * scoreBytes(operator, extent) : 0);
}

/** The peak of a denoiser that runs alone over latents, in the form that a picture takes. */
export function predictDenoiser(network: Network, latents: Extent, form: DenoiserForm): PartNeeds {
  return storedAs(predictFloats(network, latents, form), 'denoiser', form.precision, form);
}

/**
 * The needs of a network whose weights are stored in another form than float32. Only where it computes in float32 do they
 * stay in blocks, and are they cast: quantized ones, and halves of a device with float16, are other ones.
 */
function storedAs(
  needs: PartNeeds,
  role: NetworkRole,
  precision: Precision,
  { stored, loaded = false }: Pick<PlannedPicture, 'stored' | 'loaded'>,
): PartNeeds {
  if (precision !== 'fp32') return needs;
  const { savedByBlocks = 0, halfBytes = 0 } = stored?.[role] ?? {};
  const weights = needs.weights - savedByBlocks;
  // Nothing runs while they are cast.
  const values = Math.max(needs.values, loaded ? 0 : CASTING * halfBytes);
  return { weights, values, total: needs.total - needs.weights - needs.values + weights + values };
}

/** The same if all weights are stored in float32. */
function predictFloats(network: Network, latents: Extent, form: DenoiserForm): PartNeeds {
  const { precision, rows = !isFloat(precision), records = false, device } = form;
  if (network.name === TRANSFORMER) return predictTransformer(network, latents, form);
  if (!rows && !records) return predictPart(network, latents, precision, device);
  const bytes = !device?.withoutBytes;
  const foldUpsampling = foldsUpsampling(network, latents, precision, bytes);
  const weights = weightBytes(network, precision, foldUpsampling);
  const isBytes = precision === 'int8' && bytes;
  const ofRows = rowsScratch(latents, {
    precision: isInBlocks(precision, bytes) ? 'int4' : precision,
    foldUpsampling,
  });
  const ofAttention = attentionScratch(latents, device);
  const scratch = (operator: Operator) => ofRows(operator) + ofAttention(operator);
  const arena = isBytes ? ARENA.byteRows : ARENA.floatRows;
  const recorded = records ? RECORDING_BYTES + recordedBytes(network, latents, form) : 0;
  const values = ROWS_BYTES + arena * peakValueBytes(network, latents, scratch) + recorded;
  return { weights, values, total: PROCESS_BYTES + weights + values };
}

/**
 * What a recorded pass of a U-Net holds. On a device that is what it outputs, in the form in which it is stored; the store
 * counts the same pieces when they are in it.
 */
function recordedBytes(
  network: Network,
  latents: Extent,
  { precision, device, stored }: DenoiserForm,
): number {
  if (!device?.storages) return (RECORDED_COPIES + STORED_SHARE) * passBytes(network, latents);
  const isSmall = stored?.denoiser?.isSmall ?? false;
  return passBytes(network, latents, deviceStorageOf(device.storages, { isSmall, precision }));
}

/** Maps of a transformer are rows in every form. */
function predictTransformer(network: Network, latents: Extent, form: DenoiserForm): PartNeeds {
  const { precision, records = false, device } = form;
  const weights = weightBytes(network, precision, false);
  const recorded = records ? RECORDING_BYTES + recordedTokens(network, latents, form) : 0;
  const peak = peakValueBytes(network, latents, attentionScratch(latents, device));
  const values = ROWS_BYTES + ARENA.floatRows * peak + recorded;
  return { weights, values, total: PROCESS_BYTES + weights + values };
}

/** The same of a transformer. What does not stay on a device is there as float32 until the pass ends. */
function recordedTokens(network: Network, latents: Extent, { device, stored }: DenoiserForm): number {
  const floats = tokenBytes(network, latents, 'float32');
  if (!device?.storages) return (RECORDED_COPIES + STORED_SHARE) * floats;
  if (!device.keepsTokens) return floats;
  const isSmall = stored?.denoiser?.isSmall ?? false;
  const { batch } = latents;
  const storage = tokenStorageOf(device.storages, tokenFeaturesOf(network), { isSmall, batch });
  return storage ? tokenBytes(network, latents, storage) : floats;
}

type DenoiserForm = Pick<PlannedPicture, 'precision' | 'rows' | 'records' | 'device' | 'stored' | 'loaded'>;

/** `tiled`: as `apart`, and the image is decoded tile by tile; of an edit, the networks stay, and it is encoded so, too. */
export type MemoryPlan = 'together' | 'apart' | 'tiled';

/**
 * Decides how to load a model's networks so that an image fits into `available` bytes.
 * @throws InputError with the prediction and what would fit, if it does not
 */
export function planMemory(
  model: PlannedModel,
  picture: PlannedPicture,
  available: number,
  precisions: readonly Precision[],
): MemoryPlan {
  const needs = predictMemory(model, picture);
  const buffers = buffersFit(model, picture);
  if (buffers === 'all') {
    if (needs.together <= available) return 'together';
    if (needs.apart <= available) return 'apart';
  }
  if (buffers !== 'none' && needs.tiled <= available) return 'tiled';
  const fits = (change: Partial<PlannedPicture>) => {
    const changed = { ...picture, ...change };
    return buffersFit(model, changed) !== 'none' && predictMemory(model, changed).tiled <= available;
  };
  const sizes = [0.75, 0.5, 0.375, 0.25]
    .map((factor) => ({
      width: Math.max(64, Math.floor((picture.width * factor) / 64) * 64),
      height: Math.max(64, Math.floor((picture.height * factor) / 64) * 64),
    }))
    .filter(({ width, height }) => isSide(width, model.sizes) && isSide(height, model.sizes));
  const others = precisions.filter((precision) => precision !== picture.precision);
  const both = sizes.flatMap((size) => others.map((precision) => ({ ...size, precision })));
  const changes = [sizes.find(fits), others.map((precision) => ({ precision })).find(fits)].filter(Boolean);
  const advice = (changes.length > 0 ? changes : [both.find(fits)]).flatMap((change) => describe(change));
  const size = `${picture.width}x${picture.height} pixels`;
  const why =
    buffers !== 'none'
      ? `needs about ${formatBytes(needs.tiled)} of memory for ${size}, and ${formatBytes(available)} are free`
      : `needs a larger buffer for ${size} than the device has, which is ${formatBytes(picture.device!.largestBuffer!)}`;
  throw new InputError(
    `${model.name} ${why}; ${
      advice.length > 0 ? `what would fit: ${advice.join(', or ')}` : 'a smaller model would fit'
    }.`,
    { setting: advice.length > 0 ? 'precision' : 'model' },
  );
}

/**
 * Whether every value of the networks fits into a buffer of the device: all, all but the decoder's, which can decode in
 * tiles, as an edit's encoder can, or not. An image that is generated in tiles is not recorded.
 */
export function buffersFit(
  model: PlannedModel,
  { width, height, batch, edit = false, records = edit, device = {} }: PlannedPicture,
): 'all' | 'tiled' | 'none' {
  const { largestBuffer = Number.POSITIVE_INFINITY, composesAttention } = device;
  const { scale } = model.autoencoder;
  const denoiser = model.network('denoiser');
  const tokens = textLength(denoiser);
  const latents = { width: Math.ceil(width / scale), height: Math.ceil(height / scale), batch, tokens };
  const scores = composesAttention
    ? Math.max(0, ...denoiser.operators.map((operator) => scoreBytes(operator, latents)))
    : 0;
  const fits = (bytes: number) => bytes <= largestBuffer;
  if (!fits(scores) || !fits(largestValueBytes(denoiser, latents))) return 'none';
  const pixels = { width, height, batch: 1, tokens };
  const roles = edit ? (['vae-decoder', 'vae-encoder'] as const) : (['vae-decoder'] as const);
  if (roles.every((role) => fits(largestValueBytes(model.network(role), pixels)))) return 'all';
  return records && !edit ? 'none' : 'tiled';
}

function describe(change: Partial<PlannedPicture> | undefined): string[] {
  const { width, height, precision } = change ?? {};
  const words = [
    ...(width ? [`${width}x${height} pixels`] : []),
    ...(precision ? [`the precision ${precision}`] : []),
  ];
  return words.length > 0 ? [words.join(' in ')] : [];
}
