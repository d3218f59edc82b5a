// The one chart component: ECharts, imported by parts, drawn on a canvas.
import { BarChart, CustomChart, LineChart } from 'echarts/charts';
import {
  DataZoomComponent,
  GridComponent,
  LegendComponent,
  MarkAreaComponent,
  MarkLineComponent,
  ToolboxComponent,
  TooltipComponent,
} from 'echarts/components';
import * as echarts from 'echarts/core';
import type { EChartsCoreOption } from 'echarts/core';
import { CanvasRenderer } from 'echarts/renderers';
import { useEffect, useRef } from 'react';

echarts.use([
  BarChart,
  CanvasRenderer,
  CustomChart,
  DataZoomComponent,
  GridComponent,
  LegendComponent,
  LineChart,
  MarkAreaComponent,
  MarkLineComponent,
  ToolboxComponent,
  TooltipComponent,
]);

interface Props {
  option: EChartsCoreOption;
  height: number;
  /** Charts of one group show their cursor together. */
  group?: string;
  /** Called with the stretch of time over which the mouse was dragged. */
  onZoom?: (from_ms: number, to_ms: number) => void;
  label: string;
}

export default function Chart({ option, height, group, onZoom, label }: Props) {
  const element = useRef<HTMLDivElement>(null);
  const chart = useRef<echarts.ECharts>(undefined);
  const zoom = useRef(onZoom);
  zoom.current = onZoom;

  useEffect(() => {
    if (!element.current) return;
    const made = echarts.init(element.current);
    chart.current = made;
    if (group) {
      made.group = group;
      echarts.connect(group);
    }
    made.on('datazoom', (event) => {
      const [part] = (event as { batch?: { startValue?: number; endValue?: number }[] }).batch ?? [];
      if (part?.startValue !== undefined && part.endValue !== undefined) zoom.current?.(part.startValue, part.endValue);
    });
    const observer = new ResizeObserver(() => made.resize());
    observer.observe(element.current);
    return () => {
      observer.disconnect();
      made.dispose();
    };
  }, [group]);

  useEffect(() => {
    const drawn = chart.current;
    if (!drawn) return;
    drawn.setOption(option, { notMerge: true });
    if (zoom.current) {
      drawn.dispatchAction({ type: 'takeGlobalCursor', key: 'dataZoomSelect', dataZoomSelectActive: true });
    }
  }, [option]);

  return <div ref={element} className="chart" role="img" aria-label={label} style={{ height }} />;
}
