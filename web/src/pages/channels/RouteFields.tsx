import { DeleteOutlined, PlusOutlined } from '@ant-design/icons';
import { Button, Card, Input, Select, Switch } from 'antd';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { Channel } from '../../api/types';
import { MatchersEditor } from '../../components/MatchersEditor';
import { EscalationFields } from './EscalationFields';
import { isDuration, NEW_ROUTE, type RouteNode } from './routeTree';

interface Props {
  node: RouteNode;
  channels: Channel[];
  onChange: (node: RouteNode) => void;
  onRemove?: () => void;
}

const TIMES = ['group_wait', 'group_interval', 'repeat_interval'] as const;
const USUAL = { group_wait: '30s', group_interval: '5m', repeat_interval: '4h' };

function Labelled({ text, children }: { text: string; children: ReactNode }) {
  return (
    <label style={{ display: 'block', minWidth: 0 }}>
      <span className="faint">{text}</span>
      <div>{children}</div>
    </label>
  );
}

/** One node of the tree of routes, and below it the routes that go on from it. */
export function RouteFields({ node, channels, onChange, onRemove }: Props) {
  const { t } = useTranslation();
  const isRoot = onRemove === undefined;
  const set = (change: Partial<RouteNode>) => onChange({ ...node, ...change });
  const options = channels.map(({ id, name }) => ({ value: id, label: name }));
  return (
    <Card
      size="small"
      title={isRoot ? t('routes.root') : t('routes.route')}
      extra={onRemove && <Button size="small" icon={<DeleteOutlined />} aria-label={t('common.remove')} onClick={onRemove} />}
    >
      <div className="stack">
        {!isRoot && (
          <div>
            <span className="faint">{t('silences.matchers')}</span>
            <MatchersEditor value={node.matchers} onChange={(matchers) => set({ matchers })} />
          </div>
        )}
        <Labelled text={t('routes.channels')}>
          <Select
            mode="multiple"
            style={{ width: '100%' }}
            placeholder={isRoot ? t('routes.nobody') : t('routes.inherited')}
            options={options}
            value={node.channels}
            onChange={(chosen) => set({ channels: chosen })}
          />
        </Labelled>
        <div className="tiles">
          <Labelled text={t('routes.group_by')}>
            <Select
              mode="tags"
              style={{ width: '100%' }}
              placeholder={isRoot ? 'alertname' : t('routes.inherited')}
              value={node.group_by ?? []}
              options={['alertname', 'server', 'severity', '...'].map((value) => ({ value }))}
              onChange={(names) => set({ group_by: names })}
            />
          </Labelled>
          {TIMES.map((name) => (
            <Labelled key={name} text={t(`routes.${name}`)}>
              <Input
                value={node[name] ?? ''}
                status={isDuration(node[name]) ? undefined : 'error'}
                placeholder={isRoot ? USUAL[name] : t('routes.inherited')}
                onChange={(event) => set({ [name]: event.target.value.trim() })}
              />
            </Labelled>
          ))}
        </div>
        <EscalationFields value={node.escalations} options={options} onChange={(escalations) => set({ escalations })} />
        {!isRoot && (
          <label className="row">
            <Switch size="small" checked={node.continue} onChange={(on) => set({ continue: on })} />
            {t('routes.continue')}
          </label>
        )}
        {node.routes.map((route, index) => (
          <RouteFields
            key={index}
            node={route}
            channels={channels}
            onChange={(changed) => set({ routes: node.routes.map((old, at) => (at === index ? changed : old)) })}
            onRemove={() => set({ routes: node.routes.filter((_old, at) => at !== index) })}
          />
        ))}
        <Button type="dashed" icon={<PlusOutlined />} onClick={() => set({ routes: [...node.routes, NEW_ROUTE] })}>
          {t('routes.add')}
        </Button>
      </div>
    </Card>
  );
}
