/** The models that the settings name. */
import { ConfigurationTarget, workspace } from 'vscode';
import { type InstalledModel, inpaintingTwin, type Purpose } from '../../engine/models/catalogue.ts';
import { modelTitle } from '../../shared/modelTitle.ts';
import { showInformation } from '../messages.ts';

/** Whether choosing a model of this kind sets something. */
export function isUsable(purpose: Purpose): boolean {
  return ['pictures', 'decoder', 'lora', 'autoencoder', 'text'].includes(purpose);
}

/** The model that edits, if it is another one: the one of the setting, else the model's inpainting twin. */
export function editingModel(): string {
  return settingOf('editModel') || (inpaintingTwin(settingOf('model')) ?? '');
}

/** What such a setting names; empty for the default. */
export function settingOf(name: 'model' | 'editModel'): string {
  return workspace.getConfiguration('patchwork').get<string>(name)?.trim() ?? '';
}

/** Whether the settings name this model. */
export function isActive({ id, folder, purpose }: InstalledModel): boolean {
  const settings = workspace.getConfiguration('patchwork');
  const model = settingOf('model');
  switch (purpose) {
    case 'edits':
      return [id, folder].includes(editingModel());
    case 'pictures':
      return model === id || model === folder || (model === '' && id === 'scenes');
    case 'lora':
      return id in (settings.get<object>('loras') ?? {});
    case 'decoder':
      return settings.get('decoder') === 'fast';
    case 'autoencoder':
      return settings.get<string>('vae')?.trim() === id;
    case 'text':
      return settings.get<string>('textEncoder')?.trim() === id;
    default:
      return false;
  }
}

/** Sets the model, and says so. */
export async function useModel(id: string, purpose: Purpose): Promise<void> {
  const settings = workspace.getConfiguration('patchwork');
  const set = (name: string, value: unknown) => settings.update(name, value, ConfigurationTarget.Global);
  switch (purpose) {
    case 'pictures':
      await set('model', id === 'scenes' ? undefined : id);
      break;
    case 'decoder':
      await set('decoder', 'fast');
      break;
    case 'edits':
      // Its own model's edits need no setting.
      await set('editModel', inpaintingTwin(settingOf('model')) === id ? undefined : id);
      break;
    case 'lora':
      await set('loras', { ...settings.inspect<object>('loras')?.globalValue, [id]: 1 });
      break;
    case 'autoencoder':
      await set('vae', id);
      break;
    case 'text':
      await set('textEncoder', id);
      break;
    default:
      break;
  }
  const title = modelTitle(id);
  const sentences: Record<Purpose, string> = {
    pictures: `Model set to ${title}.`,
    edits: `Images are edited with ${title}. The setting patchwork.editModel changes that.`,
    decoder: 'Images are decoded with the fast decoder. The setting patchwork.decoder changes that.',
    lora: `${title} is merged into the model. Its strength is in the setting patchwork.loras.`,
    selection: `${id} is installed.`,
    autoencoder: `${title} takes the place of the model's own autoencoder. The setting patchwork.vae changes that.`,
    text: `${title} takes the place of a model's own text encoder. The setting patchwork.textEncoder changes that.`,
    part: `${title} is used by the models that need it.`,
    embedding: `${title} is found by its name in prompts.`,
    control: `${title} is offered for control images.`,
    reference: `${title} is offered for reference images.`,
    upscaler: `${title} is offered for upscaling.`,
  };
  void showInformation(sentences[purpose]);
}

/** Takes a model that is no longer here out of the user's settings, which no image could be made with. */
export async function forgetModel(id: string, purpose: Purpose): Promise<void> {
  const settings = workspace.getConfiguration('patchwork');
  const set = (name: string, value: unknown) => settings.update(name, value, ConfigurationTarget.Global);
  for (const name of ['model', 'editModel', 'vae', 'textEncoder'])
    if (settings.inspect<string>(name)?.globalValue?.trim() === id) await set(name, undefined);
  const { [id]: strength, ...others } = settings.inspect<Record<string, number>>('loras')?.globalValue ?? {};
  if (strength !== undefined) await set('loras', Object.keys(others).length > 0 ? others : undefined);
  if (purpose === 'decoder' && settings.inspect('decoder')?.globalValue === 'fast')
    await set('decoder', undefined);
}
