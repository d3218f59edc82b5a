import { Card } from 'antd';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { EmptyHint } from '../../components/EmptyHint';
import { exploreLink } from '../../format/links';
import { BacktestResult } from './BacktestResult';

interface Props {
  preview?: { expr: string; source: string };
  for_secs: number;
}

/** What the form becomes, and when it would have fired during the last day. */
export function RulePreview({ preview, for_secs }: Props) {
  const { t } = useTranslation();
  if (!preview) {
    return (
      <Card size="small" title={t('rule_form.preview')}>
        <EmptyHint title={t('rule_form.preview_empty')} hint={t('rule_form.preview_hint')} />
      </Card>
    );
  }
  return (
    <>
      <Card
        size="small"
        title={t('rule_form.as_rule')}
        extra={
          <Link className="link" to={exploreLink(preview.expr)}>
            {t('overview.open_query')}
          </Link>
        }
      >
        <pre className="code mono">{preview.source}</pre>
      </Card>
      <Card size="small" title={t('rule_form.last_day')}>
        <BacktestResult expr={preview.expr} for_secs={for_secs} range="24h" />
      </Card>
    </>
  );
}
