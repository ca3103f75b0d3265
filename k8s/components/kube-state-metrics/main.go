// Command kube-state-metrics serves the state of a cluster's objects as
// series, by the names and labels of the project of that name. That one's
// module is not served with a checksum that can be verified, so it cannot be
// built here; this has its stable series of seven resources, which alerts and
// dashboards read, and takes the one flag that the manifest sets.
package main

import (
	"context"
	"errors"
	"flag"
	"log"
	"net/http"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
)

const address = ":8080"

func main() {
	names := flag.String("resources", "", "comma-separated plurals of the resources to serve; all of them when empty")
	flag.Parse()
	if err := serve(*names); err != nil {
		log.Fatal(err)
	}
}

func serve(names string) error {
	config, err := rest.InClusterConfig()
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	factory := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithTransform(trim))
	served, err := watched(factory, names)
	if err != nil {
		return err
	}
	factory.Start(ctx.Done())
	for kind, synced := range factory.WaitForCacheSync(ctx.Done()) {
		if !synced {
			return errors.New("no list of " + kind.String())
		}
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(served)
	http.Handle("/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	http.HandleFunc("/livez", func(http.ResponseWriter, *http.Request) {})
	server := &http.Server{Addr: address, ReadHeaderTimeout: 5 * time.Second}
	go func() {
		<-ctx.Done()
		_ = server.Close()
	}()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// trim drops what no series is made of, which is most of an object's memory.
func trim(object any) (any, error) {
	if accessor, err := meta.Accessor(object); err == nil {
		accessor.SetManagedFields(nil)
		accessor.SetAnnotations(nil)
	}
	return object, nil
}

// watched returns the collector of the named resources.
func watched(factory informers.SharedInformerFactory, names string) (collector, error) {
	known := map[string]watch{
		"pods":                     {factory.Core().V1().Pods().Informer(), of(pod)},
		"nodes":                    {factory.Core().V1().Nodes().Informer(), of(node)},
		"deployments":              {factory.Apps().V1().Deployments().Informer(), of(deployment)},
		"cronjobs":                 {factory.Batch().V1().CronJobs().Informer(), of(cronJob)},
		"statefulsets":             {factory.Apps().V1().StatefulSets().Informer(), of(statefulSet)},
		"horizontalpodautoscalers": {factory.Autoscaling().V2().HorizontalPodAutoscalers().Informer(), of(autoscaler)},
		"poddisruptionbudgets":     {factory.Policy().V1().PodDisruptionBudgets().Informer(), of(budget)},
	}
	if names == "" {
		return known, nil
	}
	wanted := collector{}
	for _, name := range strings.Split(names, ",") {
		resource, is := known[name]
		if !is {
			return nil, errors.New("--resources: " + name + " is none of pods, nodes, deployments, statefulsets, cronjobs, horizontalpodautoscalers, poddisruptionbudgets")
		}
		wanted[name] = resource
	}
	return wanted, nil
}

// A watch is a resource's objects and the series that describe one of them.
type watch struct {
	informer cache.SharedIndexInformer
	describe func(any, series)
}

// of makes a describe of one that knows its object's type.
func of[T any](describe func(T, series)) func(any, series) {
	return func(object any, out series) { describe(object.(T), out) }
}
