/** Dragging an image out of a page: editors take the file's address, the desktop and other programs the image. */

interface Draggable {
  /** URI of a file with the image. */
  file: string;
  /** Name that a copy gets. */
  name: string;
  /** Address of the image's bytes in this page, once they are here. */
  url: string | undefined;
}

export function dragImage(event: DragEvent, { file, name, url }: Draggable): void {
  const { dataTransfer } = event;
  if (!dataTransfer) return;
  dataTransfer.effectAllowed = 'copy';
  dataTransfer.setData('text/uri-list', file);
  dataTransfer.setData('application/vnd.code.uri-list', file);
  if (url) dataTransfer.setData('DownloadURL', `image/png:${name}:${url}`);
}
