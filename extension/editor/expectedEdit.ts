import type { Uri } from 'vscode';
import { editingModel } from '../../engine/models/open.ts';
import { type AskedRequest, requestOfAdditions } from '../../shared/additions.ts';
import type { PrepareEditRequest } from '../../shared/api.ts';
import { type EditDraft, needsMask } from '../../shared/editorProtocol.ts';
import type { Area } from '../../shared/raster.ts';
import { prepareWithSettings } from '../requests.ts';
import { stepsOf } from './draft.ts';

/** What an edit of a draft will ask for, by the settings as they are now. */
export interface ExpectedEdit {
  request: Omit<PrepareEditRequest, 'image'>;
  /** By the names under which the extension keeps them. */
  images: Pick<AskedRequest, 'controls' | 'references'>;
}

/**
 * @param masked bounds of the mask, where they decide which features are read
 * @throws InputError if a setting is invalid
 */
export function expectedEdit(draft: EditDraft, picture: Uri, masked: Area | undefined): ExpectedEdit {
  const { strength, steps, precision, additions, budget } = draft;
  // Recordings are made without regions.
  const { controls, references, regions: _, ...others } = requestOfAdditions(additions);
  const asked = {
    strength: strength || undefined,
    steps: stepsOf(steps),
    precision: precision || undefined,
    ...others,
    budget: budget || undefined,
    ...(zooms(draft) && { zoom: 'auto' as const }),
    masked,
  };
  return { request: prepareWithSettings(asked, picture), images: { controls, references } };
}

/** Whether small masks are painted enlarged. */
export function zooms({ zoom, way }: EditDraft): boolean {
  return zoom && needsMask(way);
}

/** Tells apart edits that read other features, whichever model makes them by what is installed now. */
export async function keyOf({ request, images }: ExpectedEdit): Promise<string> {
  const { name } = await editingModel(request.model, request.editModel);
  return JSON.stringify([name, request, images]);
}
