import { Select } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

interface Props {
  known: readonly string[];
  isRegion: (text: string) => boolean;
  example: string;
  id?: string;
  value?: string[];
  onChange?: (value: string[]) => void;
}

/** Regions to choose by their name or their place; one that is not known here can be typed. */
export function RegionsField({ known, isRegion, example, ...field }: Props) {
  const { t } = useTranslation();
  const [typed, setTyped] = useState('');
  const options = known.map((region) => ({ value: region, label: `${region} · ${t(`clouds.region.${region}`)}` }));
  const isNew = isRegion(typed) && !known.includes(typed.trim());
  return (
    <Select
      {...field}
      mode="multiple"
      allowClear
      placeholder={t('clouds.all_regions')}
      tokenSeparators={[',', ' ']}
      optionLabelProp="value"
      options={isNew ? [...options, { value: typed.trim(), label: typed.trim() }] : options}
      notFoundContent={t('clouds.regions_rule', { example })}
      showSearch={{ onSearch: setTyped, filterOption: (text, option) => String(option?.label).toLowerCase().includes(text.trim().toLowerCase()) }}
    />
  );
}
