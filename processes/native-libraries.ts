/** Why a native library cannot be loaded, as the system's loaders say it, and what helps: sentences. */
const REASONS: readonly (readonly [words: RegExp, sentence: string])[] = [
  [
    /The specified module could not be found/i,
    'Windows lacks a library that ONNX Runtime needs: install the Microsoft Visual C++ Redistributable (https://aka.ms/vs/17/release/vc_redist.x64.exe), and start again.',
  ],
  [
    /is not a valid Win32 application|invalid ELF header|incompatible architecture|wrong ELF class/i,
    'A library of Patchwork is made for another processor or system: install the extension for this one.',
  ],
  [
    /version [`'"]?(?:GLIBC|GLIBCXX|CXXABI)_[\w.]+['"]? not found/,
    'The C or C++ library of this system is too old for ONNX Runtime: a newer system is needed (glibc 2.28 or later).',
  ],
  [/cannot open shared object file/, 'This system lacks a library that Patchwork needs; the log names it.'],
];

/** What a line that a process has written says of a native library; undefined if nothing. */
export function libraryTrouble(line: string): string | undefined {
  return REASONS.find(([words]) => words.test(line))?.[1];
}
