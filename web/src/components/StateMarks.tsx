// States as a shape, a colour and a word: the shape alone tells them apart too.
import {
  CheckCircleFilled,
  ClockCircleOutlined,
  CloseCircleFilled,
  ExclamationCircleFilled,
  EyeFilled,
  FireFilled,
  InfoCircleFilled,
  QuestionCircleOutlined,
  WarningFilled,
} from '@ant-design/icons';
import { theme } from 'antd';
import type { ComponentType, CSSProperties } from 'react';
import { useTranslation } from 'react-i18next';
import type { AlertState, ServerState, Severity } from '../api/types';

type Icon = ComponentType<{ style?: CSSProperties }>;

function Mark({ icon: Shape, colour, text }: { icon: Icon; colour: string; text: string }) {
  return (
    <span className="state">
      <Shape style={{ color: colour }} />
      {text}
    </span>
  );
}

export function SeverityMark({ severity }: { severity: Severity }) {
  const { t } = useTranslation();
  const { token } = theme.useToken();
  const looks: Record<Severity, [Icon, string]> = {
    critical: [CloseCircleFilled, token.colorError],
    warning: [WarningFilled, token.colorWarning],
    info: [InfoCircleFilled, token.colorPrimary],
  };
  const [icon, colour] = looks[severity] ?? looks.info;
  return <Mark icon={icon} colour={colour} text={severity in looks ? t(`severity.${severity}`) : severity} />;
}

export function AlertStateMark({ state }: { state: AlertState }) {
  const { t } = useTranslation();
  const { token } = theme.useToken();
  const looks: Record<AlertState, [Icon, string]> = {
    pending: [ClockCircleOutlined, token.colorWarning],
    firing: [FireFilled, token.colorError],
    acknowledged: [EyeFilled, token.colorPrimary],
    resolved: [CheckCircleFilled, token.colorSuccess],
  };
  const [icon, colour] = looks[state] ?? [QuestionCircleOutlined, token.colorTextTertiary];
  return <Mark icon={icon} colour={colour} text={state in looks ? t(`alert_state.${state}`) : state} />;
}

export function ServerStateMark({ state }: { state: ServerState }) {
  const { t } = useTranslation();
  const { token } = theme.useToken();
  const looks: Record<ServerState, [Icon, string]> = {
    up: [CheckCircleFilled, token.colorSuccess],
    down: [CloseCircleFilled, token.colorError],
    unknown: [QuestionCircleOutlined, token.colorTextTertiary],
  };
  const [icon, colour] = looks[state] ?? looks.unknown;
  return <Mark icon={icon} colour={colour} text={t(`server_state.${state}`)} />;
}

/** Whether something worked. */
export function OutcomeMark({ ok, text }: { ok: boolean; text: string }) {
  const { token } = theme.useToken();
  return ok ? (
    <Mark icon={CheckCircleFilled} colour={token.colorSuccess} text={text} />
  ) : (
    <Mark icon={ExclamationCircleFilled} colour={token.colorError} text={text} />
  );
}
