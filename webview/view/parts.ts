/** What the parts of the stage share. */
import { html, type TemplateResult } from 'lit';
import { pictureNames } from '../../shared/names.ts';
import type { RecentPicture } from '../../shared/viewProtocol.ts';
import { dragImage } from '../drag.ts';
import type { PictureCache } from '../pictureCache.ts';

export function drag(event: DragEvent, picture: RecentPicture, pictures: PictureCache): void {
  const [name] = pictureNames(picture.recipe.prompt, picture.recipe.seed);
  dragImage(event, { file: picture.file, name: name!, url: pictures.url(picture.id) });
}

export function placeholder(icon: string, text: string): TemplateResult {
  const spin = icon === 'loading' ? 'codicon-modifier-spin' : '';
  return html`<div class="empty">
    <span class="codicon codicon-${icon} ${spin}" aria-hidden="true"></span>
    <span>${text}</span>
  </div>`;
}
