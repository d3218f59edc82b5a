import { StreamLanguage } from '@codemirror/language';
import { yaml } from '@codemirror/legacy-modes/mode/yaml';
import type { Fault } from '../api/types';
import CodeEditor from './CodeEditor';

const language = StreamLanguage.define(yaml);

interface Props {
  value: string;
  onChange: (text: string) => void;
  label: string;
  faults?: Fault[];
  readOnly?: boolean;
  onSubmit?: () => void;
}

/** YAML (and so JSON) with line numbers and faults in the margin. */
export default function YamlEditor(props: Props) {
  return <CodeEditor {...props} language={language} lines minHeight={260} />;
}
