/** The commands of Patchwork: package.json, package.nls.json and the README are generated from this table. */

/** A place in a menu of VS Code. */
interface MenuEntry {
  /** See VS Code's contribution point `menus`. */
  menu: 'explorer/context' | 'editor/title' | 'view/title' | 'view/item/context' | 'webview/context';
  when: string;
  group: string;
}

export interface CommandEntry {
  title: string;
  /** What it does, for the README. Commands without this text are not in the palette. */
  does?: string;
  /** A codicon. */
  icon?: string;
  /** Condition under which the palette offers it; always if absent. */
  when?: string;
  menus?: readonly MenuEntry[];
}

const IN_EXPLORER = {
  editable: 'resourceExtname =~ /^\\.(png|jpe?g|webp)$/i && !explorerResourceIsFolder',
  readable: 'resourceExtname =~ /^\\.(png|jpe?g|webp|avif|gif|tiff?)$/i && !explorerResourceIsFolder',
  model: 'resourceExtname =~ /^\\.(safetensors|sft|ckpt|pt|pth|gguf)$/i && !explorerResourceIsFolder',
};
const IN_EDITOR = "activeCustomEditorId == 'patchwork.pictureEditor'";
const ON_IMAGE = "webviewSection == 'image' && webviewId =~ /^patchwork\\./";

/** By name, without `patchwork.`; those of the palette in the README's order. */
export const COMMANDS = {
  generateImage: {
    title: 'Generate Image…',
    does: 'asks for a prompt and generates an image from it',
    icon: 'sparkle',
    menus: [{ menu: 'view/title', when: 'view == patchwork.galleryView', group: 'navigation@0' }],
  },
  openView: {
    title: 'Open Patchwork',
    does: 'opens the view with the whole form and the queue',
    icon: 'layout',
  },
  openGallery: {
    title: 'Gallery',
    does: 'shows every image that was generated',
    icon: 'library',
    menus: [{ menu: 'view/title', when: 'view == patchwork.galleryView', group: 'navigation@1' }],
  },
  useRecipe: {
    title: 'Use Recipe of Image…',
    does: 'fills the form with what an image file was made from',
    icon: 'notebook-template',
    menus: [{ menu: 'explorer/context', when: IN_EXPLORER.editable, group: '7_patchwork@3' }],
  },
  editPicture: {
    title: 'Edit with Patchwork',
    does: 'opens an image file in the image editor',
    icon: 'edit-sparkle',
    menus: [
      { menu: 'explorer/context', when: IN_EXPLORER.readable, group: 'navigation@20' },
      {
        menu: 'editor/title',
        when: "activeCustomEditorId == 'imagePreview.previewEditor' && resourceExtname =~ /^\\.(png|jpe?g|webp|avif|gif|tiff?)$/i",
        group: 'navigation@1',
      },
    ],
  },
  'editor.repaintAll': {
    title: 'Repaint All of Image',
    does: 'repaints the whole image that is open in the editor',
    icon: 'symbol-color',
    when: IN_EDITOR,
  },
  'editor.remove': {
    title: 'Remove Masked Object',
    does: 'paints the surroundings over what is masked',
    icon: 'eraser',
    when: IN_EDITOR,
  },
  'editor.extend': {
    title: 'Extend Image…',
    does: 'shows the edges of the image, to be dragged outwards',
    icon: 'arrow-both',
    when: IN_EDITOR,
  },
  'editor.crop': {
    title: 'Crop Image…',
    does: 'shows the edges of the image, to be dragged inwards',
    icon: 'screen-normal',
    when: IN_EDITOR,
  },
  'editor.cutOut': {
    title: 'Cut Out Masked Object…',
    does: 'saves what is masked with a transparent background',
    icon: 'file-media',
    when: IN_EDITOR,
  },
  selectObject: {
    title: 'Select Object…',
    does: 'finds the objects in an image and opens the editor with the mask of one',
    icon: 'wand',
    menus: [{ menu: 'explorer/context', when: IN_EXPLORER.readable, group: '7_patchwork@1' }],
  },
  describeImage: {
    title: 'Describe Image',
    does: 'puts an image into words',
    icon: 'comment',
    menus: [{ menu: 'explorer/context', when: IN_EXPLORER.readable, group: '7_patchwork@2' }],
  },
  upscaleImage: {
    title: 'Upscale Image…',
    does: 'makes an image larger with a network of the ESRGAN family, as a new file beside it',
    icon: 'zoom-in',
    menus: [{ menu: 'explorer/context', when: IN_EXPLORER.readable, group: '7_patchwork@4' }],
  },
  chooseDevice: {
    title: 'Choose Device…',
    does: 'shows where networks can run, the processor or a GPU, tried and timed, to choose from; in a remote window also on which machine',
    icon: 'chip',
  },
  manageModels: {
    title: 'Manage Models…',
    does: 'downloads, chooses and removes models',
    icon: 'package',
    menus: [{ menu: 'view/title', when: 'view == patchwork.modelsView', group: 'navigation@1' }],
  },
  useAsModel: {
    title: 'Use as Model',
    does: "makes a file the model: a checkpoint, a VAE or a LoRA; also in the explorer's menu",
    icon: 'package',
    menus: [{ menu: 'explorer/context', when: IN_EXPLORER.model, group: '7_patchwork@1' }],
  },
  openBenchmark: {
    title: 'Open Benchmark',
    does: 'measures what an edit saves on this machine',
    icon: 'graph',
  },
  getStarted: {
    title: 'Get Started',
    does: 'opens the walkthrough',
    icon: 'book',
  },
  showMenu: {
    title: 'Show Menu',
    does: 'opens the menu of the status bar',
  },
  freeMemory: {
    title: 'Free Memory',
    does: 'ends the engine; the next image starts it again',
    icon: 'debug-disconnect',
  },
  'queue.cancelAll': {
    title: 'Cancel All',
    does: 'ends the jobs that run or wait',
    icon: 'stop-circle',
    when: 'patchwork.busy',
    menus: [
      { menu: 'view/title', when: 'view == patchwork.queueView && patchwork.busy', group: 'navigation@1' },
    ],
  },
  'queue.cancel': {
    title: 'Cancel',
    icon: 'close',
    menus: [
      { menu: 'view/item/context', when: 'view == patchwork.queueView && viewItem == job', group: 'inline' },
    ],
  },
  'queue.restart': {
    title: 'Start Again',
    icon: 'debug-restart',
    menus: [
      {
        menu: 'view/item/context',
        when: 'view == patchwork.queueView && viewItem == interrupted',
        group: 'inline@1',
      },
    ],
  },
  'queue.forget': {
    title: 'Dismiss',
    icon: 'close',
    menus: [
      {
        menu: 'view/item/context',
        when: 'view == patchwork.queueView && viewItem == interrupted',
        group: 'inline@2',
      },
    ],
  },
  'models.use': {
    title: 'Use',
    icon: 'check',
  },
  'models.remove': {
    title: 'Remove from This Machine',
    icon: 'trash',
    menus: [
      {
        menu: 'view/item/context',
        when: 'view == patchwork.modelsView && viewItem == removableModel',
        group: 'inline',
      },
    ],
  },
  'models.refresh': {
    title: 'Refresh Models',
    icon: 'refresh',
    menus: [{ menu: 'view/title', when: 'view == patchwork.modelsView', group: 'navigation@2' }],
  },
  'image.save': {
    title: 'Save',
    menus: [{ menu: 'webview/context', when: ON_IMAGE, group: '1_save@1' }],
  },
  'image.saveAs': {
    title: 'Save As…',
    menus: [{ menu: 'webview/context', when: ON_IMAGE, group: '1_save@2' }],
  },
  'image.edit': {
    title: 'Edit',
    menus: [{ menu: 'webview/context', when: ON_IMAGE, group: '2_use@1' }],
  },
  'image.insertLink': {
    title: 'Insert Markdown Link',
    menus: [{ menu: 'webview/context', when: ON_IMAGE, group: '2_use@2' }],
  },
  'image.copy': {
    title: 'Copy Image',
    menus: [{ menu: 'webview/context', when: ON_IMAGE, group: '3_copy@1' }],
  },
  'image.copyPrompt': {
    title: 'Copy Prompt',
    menus: [{ menu: 'webview/context', when: ON_IMAGE, group: '3_copy@2' }],
  },
  'image.copyRecipe': {
    title: 'Copy Recipe',
    menus: [{ menu: 'webview/context', when: ON_IMAGE, group: '3_copy@3' }],
  },
  'image.useRecipe': {
    title: 'Use This Recipe',
    menus: [{ menu: 'webview/context', when: ON_IMAGE, group: '2_use@3' }],
  },
  'image.upscale': {
    title: 'Upscale…',
    menus: [{ menu: 'webview/context', when: ON_IMAGE, group: '2_use@4' }],
  },
  'image.reveal': {
    title: 'Reveal File',
    menus: [{ menu: 'webview/context', when: ON_IMAGE, group: '1_save@3' }],
  },
  'image.delete': {
    title: 'Delete',
    menus: [{ menu: 'webview/context', when: ON_IMAGE, group: '4_delete@1' }],
  },
  'image.restore': {
    title: 'Restore',
    menus: [
      {
        menu: 'webview/context',
        when: "webviewSection == 'deletedImage' && webviewId =~ /^patchwork\\./",
        group: '1_restore@1',
      },
    ],
  },
} as const satisfies Record<string, CommandEntry>;

export type CommandName = keyof typeof COMMANDS;
