import '../../../test/support/vscode/register.ts';
import type { Services } from '../../services.ts';
import type { PictureDocument } from '../document.ts';

const { Panel } = await import('../../../test/support/vscode/stub.ts');
const { EditorPage } = await import('../page.ts');
const { Painting } = await import('../painting.ts');
const { Preparing } = await import('../preparing.ts');

/** Opens an editor of a document in a fake panel, which is told that its page is loaded. */
export function openPage(services: Services, document: PictureDocument): InstanceType<typeof Panel> {
  const panel = new Panel();
  const parts = { painting: new Painting(services, document), preparing: new Preparing(services, document) };
  new EditorPage(services, document, parts, panel as never);
  panel.send({ type: 'ready' });
  return panel;
}
