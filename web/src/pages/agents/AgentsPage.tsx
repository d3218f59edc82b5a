import { useTranslation } from 'react-i18next';
import { useMay } from '../../api/session';
import { TabbedPage } from '../../components/TabbedPage';
import { AgentList } from './AgentList';
import { EnrolmentTokenList } from './EnrolmentTokenList';

/** The machines that have joined with their agents, and the tokens with which they join. */
export default function AgentsPage() {
  const { t } = useTranslation();
  const mayEdit = useMay('agents:write');
  const tokens = { key: 'tokens', label: t('enrolment_tokens.tab'), children: <EnrolmentTokenList /> };
  return (
    <TabbedPage title={t('agents.title')} hint={t('agents.hint')} tabs={[{ key: 'agents', label: t('agents.tab'), children: <AgentList /> }, ...(mayEdit ? [tokens] : [])]} />
  );
}
