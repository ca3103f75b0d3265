package main

import (
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	core "k8s.io/api/core/v1"
)

// A series takes the samples of one scrape.
type series chan<- prometheus.Metric

// A family is the series of one name.
type family struct {
	*prometheus.Desc
	kind prometheus.ValueType
}

func gauge(name, help string, labels ...string) family {
	return family{prometheus.NewDesc(name, help, labels, nil), prometheus.GaugeValue}
}

func counter(name, help string, labels ...string) family {
	return family{prometheus.NewDesc(name, help, labels, nil), prometheus.CounterValue}
}

func (out series) add(of family, value float64, labels ...string) {
	out <- prometheus.MustNewConstMetric(of.Desc, of.kind, value, labels...)
}

// addStatus adds one series for each status that a condition can have.
func (out series) addStatus(of family, current core.ConditionStatus, labels ...string) {
	for _, status := range []core.ConditionStatus{core.ConditionTrue, core.ConditionFalse, core.ConditionUnknown} {
		out.add(of, number(current == status), append(labels[:len(labels):len(labels)], strings.ToLower(string(status)))...)
	}
}

func number(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// A collector has the watched resources by name. It describes no families
// beforehand: objects come and go, and with them the series.
type collector map[string]watch

func (collector) Describe(chan<- *prometheus.Desc) {}

func (served collector) Collect(out chan<- prometheus.Metric) {
	for _, resource := range served {
		for _, object := range resource.informer.GetStore().List() {
			resource.describe(object, out)
		}
	}
}
