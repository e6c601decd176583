"use strict";

SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#operations",
  deepLinking: true,
  // Its default asks a service on the internet what it thinks of the document.
  validatorUrl: null,
});
