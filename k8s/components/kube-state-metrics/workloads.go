package main

import (
	apps "k8s.io/api/apps/v1"
	batch "k8s.io/api/batch/v1"
	policy "k8s.io/api/policy/v1"
)

var (
	deploymentReplicas    = gauge("kube_deployment_spec_replicas", "Pods wanted of the deployment.", "namespace", "deployment")
	deploymentAll         = gauge("kube_deployment_status_replicas", "Pods of the deployment.", "namespace", "deployment")
	deploymentReady       = gauge("kube_deployment_status_replicas_ready", "Ready pods of the deployment.", "namespace", "deployment")
	deploymentAvailable   = gauge("kube_deployment_status_replicas_available", "Available pods of the deployment.", "namespace", "deployment")
	deploymentUnavailable = gauge("kube_deployment_status_replicas_unavailable", "Pods that are missing to the deployment.", "namespace", "deployment")
	deploymentUpdated     = gauge("kube_deployment_status_replicas_updated", "Pods of the deployment's newest template.", "namespace", "deployment")

	statefulSetReplicas = gauge("kube_statefulset_replicas", "Pods wanted of the StatefulSet.", "namespace", "statefulset")
	statefulSetAll      = gauge("kube_statefulset_status_replicas", "Pods of the StatefulSet.", "namespace", "statefulset")
	statefulSetReady    = gauge("kube_statefulset_status_replicas_ready", "Ready pods of the StatefulSet.", "namespace", "statefulset")

	cronJobCreated   = gauge("kube_cronjob_created", "Unix creation timestamp.", "namespace", "cronjob")
	cronJobSucceeded = gauge("kube_cronjob_status_last_successful_time", "Unix time at which the last Job that succeeded ended.", "namespace", "cronjob")

	budgetHealthy  = gauge("kube_poddisruptionbudget_status_current_healthy", "Healthy pods there are.", "namespace", "poddisruptionbudget")
	budgetDesired  = gauge("kube_poddisruptionbudget_status_desired_healthy", "Healthy pods there must be.", "namespace", "poddisruptionbudget")
	budgetAllowed  = gauge("kube_poddisruptionbudget_status_pod_disruptions_allowed", "Pods that may be evicted now.", "namespace", "poddisruptionbudget")
	budgetExpected = gauge("kube_poddisruptionbudget_status_expected_pods", "Pods that the budget counts.", "namespace", "poddisruptionbudget")
)

func deployment(object *apps.Deployment, out series) {
	out.add(deploymentReplicas, float64(*object.Spec.Replicas), object.Namespace, object.Name)
	out.add(deploymentAll, float64(object.Status.Replicas), object.Namespace, object.Name)
	out.add(deploymentReady, float64(object.Status.ReadyReplicas), object.Namespace, object.Name)
	out.add(deploymentAvailable, float64(object.Status.AvailableReplicas), object.Namespace, object.Name)
	out.add(deploymentUnavailable, float64(object.Status.UnavailableReplicas), object.Namespace, object.Name)
	out.add(deploymentUpdated, float64(object.Status.UpdatedReplicas), object.Namespace, object.Name)
}

func statefulSet(object *apps.StatefulSet, out series) {
	out.add(statefulSetReplicas, float64(*object.Spec.Replicas), object.Namespace, object.Name)
	out.add(statefulSetAll, float64(object.Status.Replicas), object.Namespace, object.Name)
	out.add(statefulSetReady, float64(object.Status.ReadyReplicas), object.Namespace, object.Name)
}

func cronJob(object *batch.CronJob, out series) {
	out.add(cronJobCreated, float64(object.CreationTimestamp.Unix()), object.Namespace, object.Name)
	if at := object.Status.LastSuccessfulTime; at != nil {
		out.add(cronJobSucceeded, float64(at.Unix()), object.Namespace, object.Name)
	}
}

func budget(object *policy.PodDisruptionBudget, out series) {
	out.add(budgetHealthy, float64(object.Status.CurrentHealthy), object.Namespace, object.Name)
	out.add(budgetDesired, float64(object.Status.DesiredHealthy), object.Namespace, object.Name)
	out.add(budgetAllowed, float64(object.Status.DisruptionsAllowed), object.Namespace, object.Name)
	out.add(budgetExpected, float64(object.Status.ExpectedPods), object.Namespace, object.Name)
}
