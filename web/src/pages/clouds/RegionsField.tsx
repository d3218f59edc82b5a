import { Select } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { AWS_REGIONS, isRegion } from './awsRegions';

interface Props {
  id?: string;
  value?: string[];
  onChange?: (value: string[]) => void;
}

/** Regions to choose by their name or their place; one that is not known here can be typed. */
export function RegionsField(props: Props) {
  const { t } = useTranslation();
  const [typed, setTyped] = useState('');
  const known = AWS_REGIONS.map((region) => ({ value: region as string, label: `${region} · ${t(`clouds.region.${region}`)}` }));
  const isNew = isRegion(typed) && !known.some(({ value }) => value === typed.trim());
  return (
    <Select
      {...props}
      mode="multiple"
      allowClear
      placeholder={t('clouds.all_regions')}
      tokenSeparators={[',', ' ']}
      optionLabelProp="value"
      options={isNew ? [...known, { value: typed.trim(), label: typed.trim() }] : known}
      notFoundContent={t('clouds.regions_rule')}
      showSearch={{ onSearch: setTyped, filterOption: (text, option) => String(option?.label).toLowerCase().includes(text.trim().toLowerCase()) }}
    />
  );
}
