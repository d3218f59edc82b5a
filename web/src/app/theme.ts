// The look: ink on paper, one blue, thin borders, no shadows; dense enough for long tables.
import { type ThemeConfig, theme } from 'antd';

const FONT =
  'system-ui, -apple-system, "Segoe UI", Roboto, "PingFang SC", "Noto Sans SC", "Noto Sans CJK SC", "Microsoft YaHei", sans-serif';
export const MONOSPACE = 'ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace';

/** Backgrounds and borders on paper; those that are computed from colours this dark are grey. */
const TINTS = {
  colorPrimaryBg: '#e4eef5',
  colorPrimaryBgHover: '#d5e5f0',
  colorPrimaryBorder: '#a9c8dc',
  colorInfoBg: '#eaf2f8',
  colorInfoBorder: '#b5d0e2',
  colorSuccessBg: '#e8f4ef',
  colorSuccessBorder: '#a9d3c1',
  colorWarningBg: '#fcf5e6',
  colorWarningBorder: '#e3c68d',
  controlItemBgActive: '#e4eef5',
  controlItemBgActiveHover: '#d5e5f0',
};

/** Text of less weight; it still has enough contrast on every background (WCAG AA). */
export function faintText(dark: boolean): string {
  return dark ? '#98a3ae' : '#5c6772';
}

/** The theme; with `still`, nothing moves. */
export function themeFor(dark: boolean, still = false): ThemeConfig {
  const surface = dark ? '#141a21' : '#ffffff';
  const page = dark ? '#0e1318' : '#f4f6f8';
  const border = dark ? '#2a333d' : '#dde3e9';
  return {
    algorithm: dark ? theme.darkAlgorithm : theme.defaultAlgorithm,
    token: {
      motion: !still,
      fontFamily: FONT,
      fontFamilyCode: MONOSPACE,
      fontSize: 13,
      borderRadius: 5,
      colorPrimary: dark ? '#4c9fd6' : '#1f5f8b',
      colorInfo: dark ? '#4c9fd6' : '#1f5f8b',
      colorError: dark ? '#e5604d' : '#c0341d',
      colorWarning: dark ? '#d9a13b' : '#b26a00',
      colorSuccess: dark ? '#3fae86' : '#15795a',
      colorBgLayout: page,
      colorBgContainer: surface,
      colorBgElevated: dark ? '#1a222b' : '#ffffff',
      colorBorderSecondary: border,
      colorTextBase: dark ? '#e3e9ef' : '#17212b',
      colorTextTertiary: faintText(dark),
      colorTextPlaceholder: dark ? '#8e9aa6' : '#6b7682',
      ...(dark ? {} : TINTS),
      controlHeight: 30,
      wireframe: false,
    },
    components: {
      Layout: { headerBg: surface, siderBg: surface, bodyBg: page, headerHeight: 48, headerPadding: '0 16px' },
      Menu: { itemSelectedBg: dark ? '#1d3344' : '#e4eef5', ...(dark && { itemSelectedColor: '#7cc0ec' }), itemHeight: 34, itemBg: 'transparent', subMenuItemBg: 'transparent', activeBarBorderWidth: 0, itemMarginInline: 8 },
      // White on the blue that is light enough for links would be too faint.
      Button: dark ? { colorPrimary: '#2a74a8', colorPrimaryHover: '#3280b7', colorPrimaryActive: '#215f8b' } : {},
      Card: { bodyPadding: 14, headerHeight: 40, headerFontSize: 13 },
      Table: { cellPaddingBlockSM: 7, cellPaddingInlineSM: 10, headerBg: dark ? '#182029' : '#f7f9fa', headerSplitColor: 'transparent', headerSortActiveBg: dark ? '#1b2530' : '#f0f4f7', bodySortBg: 'transparent' },
      Form: { itemMarginBottom: 14, verticalLabelPadding: '0 0 4px' },
      Tabs: { horizontalMargin: '0 0 12px 0' },
    },
  };
}

/**
 * Colours of chart lines: Okabe and Ito's set, which stays apart for colour-blind readers,
 * lightened or darkened until each has enough contrast on its background.
 */
export function chartPalette(dark: boolean): string[] {
  return dark
    ? ['#56b4e9', '#e69f00', '#2bc59a', '#e08bbb', '#f0e442', '#ff8a4c', '#9fb4ff', '#c2c8ce']
    : ['#0072b2', '#d98c00', '#00845f', '#b8578f', '#4a3aa7', '#c84a00', '#3b9bd0', '#6b7480'];
}

export interface ChartColours {
  text: string;
  faint: string;
  line: string;
  surface: string;
  palette: string[];
  critical: string;
  warning: string;
  info: string;
}

export function chartColours(dark: boolean): ChartColours {
  return {
    text: dark ? '#e3e9ef' : '#17212b',
    faint: faintText(dark),
    line: dark ? '#26303a' : '#e6eaee',
    surface: dark ? '#1a222b' : '#ffffff',
    palette: chartPalette(dark),
    critical: dark ? '#e5604d' : '#c0341d',
    warning: dark ? '#d9a13b' : '#b26a00',
    info: dark ? '#4c9fd6' : '#1f5f8b',
  };
}
