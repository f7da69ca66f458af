/** The control layer of a document as an image that steers its edits. */
import { encodePicture } from '../../engine/pictures/compose.ts';
import { type ControlRow, NO_ADDITIONS, requestOfAdditions } from '../../shared/additions.ts';
import type { ControlChoice, EditRequest } from '../../shared/api.ts';
import { type EditDraft, type Extension, NO_EXTENSION } from '../../shared/editorProtocol.ts';
import { blankRaster, paste, type Raster, wholeOf } from '../../shared/raster.ts';
import { usualModel } from '../additions/host.ts';
import { modelNear } from '../requests.ts';
import type { Services } from '../services.ts';
import type { PictureDocument } from './document.ts';

/** What steers an edit beside the rows of its form. */
export interface LayerControl {
  choice: ControlChoice;
  row: ControlRow;
  /** The layer as large as the picture: the choice's image has the canvas of the result. */
  layer: Raster;
}

/** Undefined while the layer is empty or switched off. Its model is empty where none was chosen and none is usual. */
export async function controlOf(
  { lastModels }: Pick<Services, 'lastModels'>,
  document: PictureDocument,
  { control, way, extension }: Pick<EditDraft, 'control' | 'way' | 'extension'>,
): Promise<LayerControl | undefined> {
  const layer = control.on ? await document.control() : undefined;
  if (!layer) return undefined;
  const model =
    control.model || (await usualModel(lastModels, modelNear(document.uri).model, 'controls')) || '';
  const row = { ...control, model, on: true };
  const [choice] = requestOfAdditions({ ...NO_ADDITIONS, controls: [row] }).controls!;
  return {
    choice: { ...choice!, image: larger(layer, way === 'extend' ? extension : NO_EXTENSION) },
    row,
    layer,
  };
}

/** The images of a request with the layer behind those of the form. */
export function withLayer(
  { controls = [], ...others }: Pick<EditRequest, 'controls' | 'references' | 'regions'>,
  layer: LayerControl | undefined,
): Pick<EditRequest, 'controls' | 'references' | 'regions'> {
  if (!layer) return { ...others, ...(controls.length > 0 && { controls }) };
  return { ...others, controls: [...controls, layer.choice] };
}

/** The layer as a PNG file, for an edit that is painted once more. */
export async function fileOf({ layer: { width, height, data } }: LayerControl): Promise<Uint8Array> {
  return await encodePicture({ width, height, pixels: data });
}

/** The layer on a larger canvas, black where it is new. */
function larger(layer: Raster, { left, top, right, bottom }: Extension): Raster {
  if (left + top + right + bottom === 0) return layer;
  const canvas = blankRaster(layer.width + left + right, layer.height + top + bottom, 3);
  paste(canvas, { ...wholeOf(layer), left, top, data: layer.data });
  return canvas;
}
