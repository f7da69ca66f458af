import {
  CancellationError,
  type CancellationToken,
  type CustomDocumentBackup,
  type CustomDocumentBackupContext,
  type CustomDocumentEditEvent,
  type CustomDocumentOpenContext,
  type CustomEditorProvider,
  commands,
  type Disposable,
  EventEmitter,
  RelativePattern,
  TabInputCustom,
  Uri,
  type WebviewPanel,
  window,
  workspace,
} from 'vscode';
import type { MaskPixels } from '../../shared/api.ts';
import { EDITOR_COMMANDS } from '../../shared/editorProtocol.ts';
import { confirmed, showError, showInformation } from '../messages.ts';
import { nameOf } from '../readUri.ts';
import { registerCommands } from '../registerCommands.ts';
import { reportError } from '../report.ts';
import type { Services } from '../services.ts';
import { PICTURE_ENDINGS } from '../sight/picked.ts';
import { reached } from '../walkthrough.ts';
import { type Backup, readBackup } from './backup.ts';
import { writeBackup } from './backupFile.ts';
import { PictureDocument, type SavedFile } from './document.ts';
import type { EditStore } from './editStore.ts';
import { EditorPage } from './page.ts';
import { Painting } from './painting.ts';
import { digestOf, isEditable, readPictureUri } from './pictureFile.ts';
import { editableOf } from './pngCopy.ts';
import { Preparing } from './preparing.ts';
import { Renaming } from './renaming.ts';
import { combined } from './selection.ts';
import { EDITOR_TYPE, isDirty, openEditor, stayInEditor } from './tabs.ts';

/** The picture editor and the command that opens it. */
export function registerPictureEditor(services: Services, edits: EditStore): Disposable[] {
  const renaming = new Renaming(() => open.values());
  return [
    renaming,
    window.registerCustomEditorProvider(EDITOR_TYPE, new PictureEditorProvider(services, edits, renaming), {
      supportsMultipleEditorsPerDocument: true,
    }),
    ...registerCommands({
      editPicture: (file?: unknown) => editPicture(file).catch((error) => reportError(services.log, error)),
    }),
    ...EDITOR_COMMANDS.flatMap((name) =>
      registerCommands({ [`editor.${name}`]: () => EditorPage.run(name) }),
    ),
  ];
}

/** The documents that are open, by their addresses. */
const open = new Map<string, PictureDocument>();

/**
 * Opens a file in the editor with a mask over it.
 * @returns false if the editor does not take files like this one
 */
export async function openEditorWithMask(file: Uri, mask: MaskPixels): Promise<boolean> {
  if (!isEditable(file)) return false;
  await openEditor(file);
  const document = open.get(file.toString());
  if (!document) return false;
  const objects = combined((await document.model()).mask, mask, 'replace');
  await document.changeMask('Select Object', objects, { objects });
  return true;
}

/** A picture file's bytes; of one that is open in an editor, as it is shown there. */
export async function shownPicture(file: Uri): Promise<Uint8Array> {
  return (await open.get(file.toString())?.encoded()) ?? (await readPictureUri(file));
}

/** Opens the editor for a file from a menu, for the visible image, or for one that the user chooses. */
async function editPicture(file: unknown): Promise<void> {
  const { input } = window.tabGroups.activeTabGroup.activeTab ?? {};
  const seen = input instanceof TabInputCustom ? input.uri : undefined;
  const target = file instanceof Uri ? file : (seen ?? (await choosePicture()));
  if (target) await openEditor(await editableOf(target));
}

async function choosePicture(): Promise<Uri | undefined> {
  const [file] =
    (await window.showOpenDialog({
      filters: { Images: PICTURE_ENDINGS },
      title: 'Edit with Patchwork',
    })) ?? [];
  return file;
}

/** Opens, saves and backs up picture documents for VS Code. */
class PictureEditorProvider implements CustomEditorProvider<PictureDocument> {
  readonly #services: Services;
  readonly #edits: EditStore;
  readonly #renaming: Renaming;
  readonly #changes = new EventEmitter<CustomDocumentEditEvent<PictureDocument>>();
  readonly #paintings = new WeakMap<PictureDocument, Painting>();
  readonly #preparings = new WeakMap<PictureDocument, Preparing>();
  readonly onDidChangeCustomDocument = this.#changes.event;

  constructor(services: Services, edits: EditStore, renaming: Renaming) {
    this.#services = services;
    this.#edits = edits;
    this.#renaming = renaming;
  }

  async openCustomDocument(uri: Uri, { backupId }: CustomDocumentOpenContext): Promise<PictureDocument> {
    const moved = this.#renaming.take(uri);
    const backup = moved
      ? readBackup(moved)
      : backupId
        ? await this.#backup(Uri.parse(backupId))
        : await this.#saved(uri);
    const document = await PictureDocument.open(uri, this.#services.log, backup);
    reached('opened');
    open.set(uri.toString(), document);
    this.#paintings.set(document, new Painting(this.#services, document));
    this.#preparings.set(document, new Preparing(this.#services, document));
    const watching = watchDisk(document);
    const forwarding = document.onDidEdit((edit) => this.#changes.fire(edit));
    // VS Code accepts steps of a document only after it has opened it.
    if (backup) setTimeout(() => document.resumeSteps().catch((error) => document.fail(error)));
    document.onDidDispose(() => {
      watching.dispose();
      forwarding.dispose();
      if (open.get(uri.toString()) === document) open.delete(uri.toString());
    });
    return document;
  }

  /** The edits that a file was saved with, if it is as it was saved. */
  async #saved(uri: Uri): Promise<Backup | undefined> {
    try {
      const found = await this.#edits.find(await digestOf(await readPictureUri(uri)));
      return found && readBackup(found);
    } catch {
      // Without them, the file is opened as any other; errors are reported then.
      return undefined;
    }
  }

  /** Keeps the edits of a file that was just saved; the save itself has succeeded already. */
  async #keepEdits({ disk, edits }: SavedFile): Promise<void> {
    try {
      if (edits) await this.#edits.keep(disk, edits);
    } catch (error) {
      this.#services.log.warn(String(error));
    }
  }

  /** A backup that cannot be read must not keep the file from being opened. */
  async #backup(place: Uri): Promise<Backup | undefined> {
    try {
      return readBackup(await workspace.fs.readFile(place));
    } catch (error) {
      void reportError(this.#services.log, error);
      return undefined;
    }
  }

  resolveCustomEditor(document: PictureDocument, panel: WebviewPanel): void {
    const [painting, preparing] = [this.#paintings.get(document)!, this.#preparings.get(document)!];
    new EditorPage(this.#services, document, { painting, preparing }, panel);
  }

  async saveCustomDocument(document: PictureDocument): Promise<void> {
    const saved = await document.save(() =>
      confirmed(`${document.state.name} has changed on disk since it was opened. Overwrite it?`, 'Overwrite'),
    );
    await this.#keepEdits(saved);
  }

  async saveCustomDocumentAs(document: PictureDocument, destination: Uri): Promise<void> {
    if (!isEditable(destination)) {
      void offerOtherName(document, destination);
      // An error would make VS Code offer *Revert*, which drops the edits.
      throw new CancellationError();
    }
    const saved = await document.saveAs(destination);
    await this.#keepEdits(saved);
    stayInEditor(destination);
    // An editor of the new file replaces the editor of this document.
    if (saved.losses.length > 0)
      void showInformation([`Saved ${nameOf(destination)}.`, ...saved.losses].join(' '));
  }

  async revertCustomDocument(document: PictureDocument): Promise<void> {
    await document.revert();
  }

  async backupCustomDocument(
    document: PictureDocument,
    { destination }: CustomDocumentBackupContext,
    token: CancellationToken,
  ): Promise<CustomDocumentBackup> {
    return await writeBackup(destination, await document.backup(), token);
  }
}

/** VS Code's dialog takes any name: says which endings there are, and opens it again if the user wants. */
async function offerOtherName(document: PictureDocument, refused: Uri): Promise<void> {
  const saveAs = 'Save As…';
  const text = `${nameOf(refused)} was not saved: images are saved as PNG, JPEG or WebP. Choose a name that ends in .png, .jpg or .webp.`;
  if ((await showError(text, saveAs)) !== saveAs) return;
  await openEditor(document.uri);
  await commands.executeCommand('workbench.action.files.saveAs');
}

/** Notifies a document when its file is written by another program. */
function watchDisk(document: PictureDocument): Disposable {
  // The file's name may contain characters with a meaning in patterns.
  const watcher = workspace.createFileSystemWatcher(
    new RelativePattern(Uri.joinPath(document.uri, '..'), '*'),
  );
  const look = async (changed: Uri) => {
    if (changed.toString() !== document.uri.toString()) return;
    await document.diskChanged(() => isDirty(document.uri)).catch((error) => document.fail(error));
  };
  watcher.onDidChange(look);
  watcher.onDidCreate(look);
  return watcher;
}
