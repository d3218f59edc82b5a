import { PlusOutlined } from '@ant-design/icons';
import { Button } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { TokenTable } from '../../components/TokenTable';
import { TokenDialog } from './TokenDialog';

/** One's own API tokens. */
export function Tokens() {
  const { t } = useTranslation();
  const [making, setMaking] = useState(false);
  const make = (
    <Button type="primary" icon={<PlusOutlined />} onClick={() => setMaking(true)}>
      {t('tokens.new')}
    </Button>
  );
  return (
    <>
      <TokenTable path="tokens" hint={t('tokens.empty_hint')} toolbar={make} />
      {making && <TokenDialog onClose={() => setMaking(false)} />}
    </>
  );
}
