// A text editor with line numbers where wanted, in the current theme. Languages come as extensions.
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands';
import { bracketMatching, HighlightStyle, syntaxHighlighting } from '@codemirror/language';
import { type Diagnostic, lintGutter, setDiagnostics } from '@codemirror/lint';
import { Compartment, EditorState, type Extension, Prec } from '@codemirror/state';
import { EditorView, keymap, lineNumbers, placeholder as placeholderText } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import { useEffect, useRef } from 'react';
import { useDark } from '../app/preferences';
import { faintText, MONOSPACE } from '../app/theme';
import type { Fault } from '../api/types';

interface Props {
  value: string;
  onChange: (text: string) => void;
  language: Extension;
  label: string;
  faults?: Fault[];
  lines?: boolean;
  minHeight?: number;
  maxHeight?: number;
  placeholder?: string;
  readOnly?: boolean;
  /** Ctrl-Enter, and Enter in editors without line numbers. */
  onSubmit?: () => void;
}

function colours(dark: boolean): Extension {
  const style = HighlightStyle.define([
    { tag: [tags.keyword, tags.operatorKeyword, tags.modifier], color: dark ? '#e08bbb' : '#9a3b74' },
    { tag: [tags.function(tags.variableName), tags.propertyName, tags.atom], color: dark ? '#56b4e9' : '#005b91' },
    { tag: [tags.string, tags.special(tags.string)], color: dark ? '#2bc59a' : '#00694c' },
    { tag: [tags.number, tags.bool, tags.literal], color: dark ? '#e6b450' : '#9a5b00' },
    { tag: [tags.comment, tags.meta], color: dark ? '#8e9aa6' : '#66727e', fontStyle: 'italic' },
    { tag: tags.labelName, color: dark ? '#9fb4ff' : '#4a3aa7' },
  ]);
  const theme = EditorView.theme(
    {
      '&': { backgroundColor: 'transparent' },
      '.cm-content, .cm-gutters': { fontFamily: MONOSPACE },
      '.cm-gutters': { backgroundColor: 'transparent', border: 'none', color: faintText(dark) },
      '.cm-placeholder': { color: faintText(dark) },
      '.cm-activeLine, .cm-activeLineGutter': { backgroundColor: 'transparent' },
      '.cm-tooltip': { backgroundColor: dark ? '#1a222b' : '#ffffff', border: `1px solid ${dark ? '#3a4652' : '#c9d1d9'}`, borderRadius: '4px' },
      '.cm-tooltip-autocomplete ul li[aria-selected]': { backgroundColor: dark ? '#2b4a61' : '#d7e8f4', color: 'inherit' },
    },
    { dark },
  );
  return [theme, syntaxHighlighting(style)];
}

/** Faults with line and column as marks of the editor. */
export function toDiagnostics(faults: Fault[], state: EditorState): Diagnostic[] {
  return faults
    .filter(({ line }) => line !== undefined)
    .map(({ line = 1, column = 1, detail }) => {
      const found = state.doc.line(Math.min(Math.max(1, line), state.doc.lines));
      const from = Math.min(found.to, found.from + Math.max(0, column - 1));
      return { from, to: Math.max(from, found.to), severity: 'error' as const, message: detail };
    });
}

const theme = new Compartment();

export default function CodeEditor(props: Props) {
  const { value, language, label, faults, lines, minHeight = 34, maxHeight = 560, placeholder, readOnly } = props;
  const element = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(undefined);
  const latest = useRef(props);
  latest.current = props;
  const dark = useDark();

  useEffect(() => {
    if (!element.current) return;
    const submit = () => {
      latest.current.onSubmit?.();
      return latest.current.onSubmit !== undefined;
    };
    const made = new EditorView({
      parent: element.current,
      state: EditorState.create({
        doc: latest.current.value,
        extensions: [
          Prec.highest(keymap.of([{ key: 'Mod-Enter', run: submit }])),
          keymap.of(completionKeymap),
          lines ? [lineNumbers(), lintGutter()] : keymap.of([{ key: 'Enter', run: submit }]),
          history(),
          closeBrackets(),
          bracketMatching(),
          autocompletion(),
          keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...historyKeymap, ...(lines ? [indentWithTab] : [])]),
          EditorView.lineWrapping,
          EditorView.contentAttributes.of({ 'aria-label': label }),
          EditorState.readOnly.of(readOnly ?? false),
          placeholder ? placeholderText(placeholder) : [],
          language,
          theme.of(colours(dark)),
          EditorView.theme({ '&': { minHeight: `${minHeight}px`, maxHeight: `${maxHeight}px` }, '.cm-scroller': { overflow: 'auto' } }),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) latest.current.onChange(update.state.doc.toString());
          }),
        ],
      }),
    });
    view.current = made;
    return () => made.destroy();
    // The editor is made once; what changes later is handed to it below.
  }, [language]);

  useEffect(() => view.current?.dispatch({ effects: theme.reconfigure(colours(dark)) }), [dark]);
  useEffect(() => {
    const current = view.current;
    if (current && current.state.doc.toString() !== value) {
      current.dispatch({ changes: { from: 0, to: current.state.doc.length, insert: value } });
    }
  }, [value]);
  useEffect(() => {
    const current = view.current;
    if (current && faults) current.dispatch(setDiagnostics(current.state, toDiagnostics(faults, current.state)));
  }, [faults]);

  return <div ref={element} className="editor" />;
}
