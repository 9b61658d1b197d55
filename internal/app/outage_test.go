package app

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"

	"penstock/internal/provider"
	"penstock/internal/store/storetest"
)

// TestStartOutlastsOutage has an invoke action start a pipeline while the store
// fails, before the commit and after: it tries again and starts it once.
func TestStartOutlastsOutage(t *testing.T) {
	t.Parallel()
	s := open(t, settings(t))
	s.custom(types.ActionCategorySource, "Src")
	s.create("P", stage("Source", types.ActionDeclaration{Name: aws.String("Fetch"), ActionTypeId: typeID(types.ActionCategorySource, types.ActionOwnerCustom, "Src"),
		OutputArtifacts: []types.OutputArtifact{{Name: aws.String("Code")}}}), gate())
	faults := &storetest.Faults{Driver: s.store.Driver}
	s.store.Driver = faults
	for _, when := range []storetest.When{storetest.Before, storetest.After} {
		before := len(s.starts("P"))
		faults.Arm("Update", 0, when)
		id, err := pipelines{s.App}.Start(t.Context(), provider.Start{Account: s.cfg.Account, Region: region, Pipeline: "P", Token: "t-" + when.String()})
		if method := faults.Disarm(); err != nil || id == "" || method != "Update" {
			t.Errorf("%s: %q, %v (failed: %q)", when, id, err, method)
		}
		if n := len(s.starts("P")) - before; n != 1 {
			t.Errorf("%s: %d executions were started", when, n)
		}
	}
}
