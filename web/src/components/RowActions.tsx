import { DeleteOutlined, EditOutlined } from '@ant-design/icons';
import { Button, Popconfirm, Space } from 'antd';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';

interface Props {
  onEdit?: () => void;
  onRemove?: () => void;
  /** What is asked before something goes, and the word for letting it go. */
  question: string;
  removeText?: string;
  children?: ReactNode;
}

/** What can be done with one row of a list. */
export function RowActions({ onEdit, onRemove, question, removeText, children }: Props) {
  const { t } = useTranslation();
  const word = removeText ?? t('common.delete');
  return (
    <Space size={6}>
      {children}
      {onEdit && <Button size="small" icon={<EditOutlined />} title={t('common.edit')} aria-label={t('common.edit')} onClick={onEdit} />}
      {onRemove && (
        <Popconfirm title={question} okText={word} okButtonProps={{ danger: true }} onConfirm={onRemove}>
          {removeText ? <Button size="small">{removeText}</Button> : <Button size="small" icon={<DeleteOutlined />} title={word} aria-label={word} />}
        </Popconfirm>
      )}
    </Space>
  );
}
