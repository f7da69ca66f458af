// A file system in memory, as a web extension would bring one: `memfs:/…`. It begins empty with each window.
const vscode = require('vscode');

const { FileChangeType, FileSystemError, FileType } = vscode;

/** @implements {vscode.FileSystemProvider} */
class MemoryFiles {
  /** Path → bytes of a file, or null for a folder. */
  entries = new Map([['/', null]]);
  changed = new vscode.EventEmitter();
  onDidChangeFile = this.changed.event;

  watch() {
    return { dispose() {} };
  }

  stat(uri) {
    const bytes = this.#entry(uri);
    const type = bytes ? FileType.File : FileType.Directory;
    return { type, ctime: 0, mtime: 0, size: bytes?.length ?? 0 };
  }

  readDirectory(uri) {
    const folder = uri.path.replace(/\/?$/, '/');
    const below = [...this.entries.keys()].filter((place) => place.startsWith(folder) && place !== folder);
    const names = below.map((place) => place.slice(folder.length)).filter((name) => !name.includes('/'));
    return names.map((name) => [name, this.entries.get(folder + name) ? FileType.File : FileType.Directory]);
  }

  createDirectory(uri) {
    this.#set(uri, null);
  }

  readFile(uri) {
    return this.#entry(uri) ?? fail(FileSystemError.FileIsADirectory(uri));
  }

  writeFile(uri, bytes, { create, overwrite }) {
    const known = this.entries.has(uri.path);
    if (!known && !create) throw FileSystemError.FileNotFound(uri);
    if (known && create && !overwrite) throw FileSystemError.FileExists(uri);
    this.#set(uri, bytes);
  }

  delete(uri) {
    this.#entry(uri);
    for (const place of [...this.entries.keys()])
      if (place === uri.path || place.startsWith(`${uri.path}/`)) this.entries.delete(place);
    this.#tell(uri, FileChangeType.Deleted);
  }

  rename(from, to, { overwrite }) {
    if (this.entries.has(to.path) && !overwrite) throw FileSystemError.FileExists(to);
    const bytes = this.#entry(from);
    this.delete(from);
    this.#set(to, bytes);
  }

  #entry(uri) {
    const bytes = this.entries.get(uri.path);
    return bytes === undefined ? fail(FileSystemError.FileNotFound(uri)) : bytes;
  }

  #set(uri, bytes) {
    const folder = uri.path.slice(0, uri.path.lastIndexOf('/')) || '/';
    if (this.entries.get(folder) !== null) throw FileSystemError.FileNotFound(folder);
    const type = this.entries.has(uri.path) ? FileChangeType.Changed : FileChangeType.Created;
    this.entries.set(uri.path, bytes);
    this.#tell(uri, type);
  }

  #tell(uri, type) {
    this.changed.fire([{ type, uri }]);
  }
}

function fail(error) {
  throw error;
}

exports.registerMemoryFiles = () => {
  const files = new MemoryFiles();
  // The folder that tests open.
  files.createDirectory(vscode.Uri.from({ scheme: 'memfs', path: '/album' }));
  return vscode.workspace.registerFileSystemProvider('memfs', files, { isCaseSensitive: true });
};
